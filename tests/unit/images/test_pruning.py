import fcntl
import os
from pathlib import Path

import pytest

from support.images import Layout, entry, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.images import tables
from toolkit.images.library import Library
from toolkit.images.pruning import prune
from toolkit.images.store import ImageStore
from toolkit.images.stored import StoredImage
from toolkit.images.tables import ImageState


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "data"))


def commit(library: Library, *names: str, day: int = 1, **labels: str) -> StoredImage:
    layer = library.write_layer([tar_of((entry("hello"), str(day).encode()))])
    config = {"created": f"2024-01-{day:02}T00:00:00Z", "config": {"Labels": labels}}
    return library.commit_image(config, [layer], names)


def test_only_what_has_no_name_goes(library: Library) -> None:
    kept, lost = commit(library, "app"), commit(library, day=2)

    done = prune(library)

    assert done.deleted == (str(lost.id),)
    assert done.bytes > 0
    assert library.all() == [kept]


def test_with_everything_only_what_is_used_stays(library: Library) -> None:
    used, lost = commit(library, "used"), commit(library, "a:1", "a:2", day=2)
    lower = ImageStore(library.data_root).resolve("used").lower
    with ImageState(f"{library.data_root}/state.db") as state, state.transaction():
        tables.hold(state, "c" * 64, str(used.id), lower)

    done = prune(library, everything=True)

    assert done.untagged == lost.names
    assert library.all() == [used]


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({"label": ["a"]}, {2, 3}),
        ({"label": ["a=2"]}, {1, 2, 3}),
        ({"label!": ["a"]}, {1}),
        ({"until": ["2024-01-03"]}, {3}),
        ({"until": ["1h30m"]}, set()),
        ({"until": ["1704153600"]}, {2, 3}),
    ],
)
def test_filters(library: Library, filters: dict[str, list[str]], left: set[int]) -> None:
    commit(library, "one", day=1, a="1")
    commit(library, "two", day=2)
    commit(library, "three", day=3)

    prune(library, everything=True, filters=filters)

    assert {int(one.created[8:10]) for one in library.all()} == left


def test_a_time_that_is_none(library: Library) -> None:
    commit(library, "one")
    with pytest.raises(InvalidInputError, match="until=soon"):
        prune(library, everything=True, filters={"until": ["soon"]})


def test_leavings_go_unless_somebody_works_on_them(library: Library, layout: Layout) -> None:
    image = commit(library, "app")
    layout.image(tar_of((entry("elsewhere"), b"x")))
    ImageStore(library.data_root).resolve(str(layout.path))
    library.write_layer([b"nobody's"])
    parts = Path(library.blobs.directory, ".parts")
    for name in ("left", "held"):
        (parts / name).write_bytes(b"half")
    fd = os.open(parts / "held", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)

    with library.busy():
        prune(library)
        assert len(list(library.blobs.all())) == 4
    prune(library)

    os.close(fd)
    assert set(os.listdir(parts)) == {"held"}
    assert len(list(library.blobs.all())) == 3
    layers = {name for name in os.listdir(f"{library.data_root}/layers") if name[0] != "."}
    assert layers == set(image.chains)
    assert ImageStore(library.data_root).resolve(str(layout.path)), "it is unpacked again"
