import json
import os
from pathlib import Path

import pytest

from support.images import entry, sha256, tar_of
from toolkit.core.errors import ConflictError, InvalidInputError, NotFoundError
from toolkit.images import tables
from toolkit.images.library import Library
from toolkit.images.locate import NotStoredError
from toolkit.images.store import ImageStore
from toolkit.images.stored import StoredImage
from toolkit.images.tables import ImageState

CONFIG = {"os": "linux", "architecture": "amd64", "config": {"Cmd": ["/bin/sh"]}}
HELLO = tar_of((entry("hello"), b"hello"))
WORLD = tar_of((entry("world"), b"world!"))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "data"))


def commit(library: Library, *names: str, layers: tuple[bytes, ...] = (HELLO,)) -> StoredImage:
    blobs = [library.write_layer([layer]) for layer in layers]
    return library.commit_image(CONFIG, blobs, names)


def on_disk(library: Library) -> set[str]:
    layers = Path(library.data_root, "layers")
    return {path.name for path in layers.iterdir() if not path.name.startswith(".")}


def hold(library: Library, image: StoredImage, container: str) -> None:
    lower = ImageStore(library.data_root).resolve(str(image.id)).lower
    with ImageState(f"{library.data_root}/state.db") as state, state.transaction():
        tables.hold(state, container, str(image.id), lower)


def test_an_image_is_found_by_whatever_names_it(library: Library) -> None:
    made = commit(library, "app:1", "registry.example:5000/team/app")

    for text in (
        "app:1",
        "docker.io/library/app:1",
        "registry.example:5000/team/app:latest",
        str(made.id),
        made.id.hex,
        made.id.hex[:12],
        f"sha256:{made.id.hex[:4]}",
        str(made.manifest),
    ):
        assert library.find(text) == made
    assert made.names == (
        "docker.io/library/app:1",
        "registry.example:5000/team/app:latest",
    )
    assert made.size == len("hello")
    assert library.all() == [made]


def test_an_unknown_image_is_named_with_the_nearest(library: Library) -> None:
    commit(library, "ubuntu:22.04")

    with pytest.raises(NotStoredError, match=r"no such image: 'ubunto:22\.04'") as caught:
        library.find("ubunto:22.04")

    assert caught.value.hint == "did you mean 'ubuntu:22.04'?"


def test_the_beginning_of_two_ids_is_refused(library: Library) -> None:
    ids = [commit(library, layers=(tar_of((f"{n}", b"")),)).id.hex for n in range(17)]
    first = next(digit for digit in "0123456789abcdef" if sum(i[0] == digit for i in ids) > 1)

    with pytest.raises(ConflictError, match="more than one image"):
        library.find(first)


def test_a_stored_image_is_made_ready(library: Library) -> None:
    made = commit(library, "app", layers=(HELLO, WORLD))
    store = ImageStore(library.data_root)

    for _ in range(2):  # the second one remembers
        ready = store.resolve("app")
        assert (ready.digest, ready.config.cmd) == (str(made.id), ("/bin/sh",))
        assert Path(ready.lower[0], "world").read_bytes() == b"world!"
        assert Path(ready.lower[1], "hello").read_bytes() == b"hello"


def test_a_layer_that_is_lost_is_unpacked_again(library: Library) -> None:
    commit(library, "app")
    store = ImageStore(library.data_root)
    path = Path(store.resolve("app").lower[0])
    path.parent.rename(path.parent.with_name("elsewhere"))

    assert Path(store.resolve("app").lower[0], "hello").exists()


def test_the_store_comes_before_a_directory_of_that_name(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit(library, "me/app")
    (tmp_path / "me/app").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    assert ImageStore(library.data_root).resolve("me/app").digest == str(made.id)


def test_a_name_moves_and_leaves_the_other_one_dangling(library: Library) -> None:
    old = commit(library, "app")
    new = commit(library, "app", layers=(WORLD,))

    assert library.find("app") == new
    assert library.find(str(old.id)).names == ()
    assert len(library.all()) == 2


def test_tagging_needs_a_tag(library: Library) -> None:
    made = commit(library, "app")

    assert library.tag("app", "Other.example/x:2").names == (
        "Other.example/x:2",
        "docker.io/library/app:latest",
    )
    with pytest.raises(InvalidInputError, match="cannot be named by a digest"):
        library.tag("app", f"x@{made.manifest}")
    with pytest.raises(InvalidInputError, match="lower case"):
        library.tag("app", "App")
    with pytest.raises(NotFoundError):
        library.tag("nothing", "x")


def test_a_name_of_several_is_only_taken_away(library: Library) -> None:
    commit(library, "app:1", "app:2")

    removed = library.remove("app:1")

    assert (removed.untagged, removed.deleted) == (("docker.io/library/app:1",), ())
    assert library.find("app:2")
    with pytest.raises(NotFoundError):
        library.find("app:1")


def test_the_last_name_takes_the_image_and_what_only_it_held(library: Library) -> None:
    shared = commit(library, "base")
    top = commit(library, "app", layers=(HELLO, WORLD))

    removed = library.remove("app")

    assert removed.deleted == (str(top.id),)
    assert on_disk(library) == set(shared.chains)
    assert set(library.blobs.all()) == {
        shared.id,
        shared.manifest,
        library.layer_blobs(shared)[0].digest,
    }


def test_an_image_in_use_stays(library: Library) -> None:
    made = commit(library, "app")
    hold(library, made, "c" * 64)

    for text in ("app", made.id.hex[:12]):
        with pytest.raises(ConflictError, match="container cccccccccccc uses it"):
            library.remove(text)
    with pytest.raises(ConflictError, match="runs from it"):
        library.remove(made.id.hex, force=True, running={"c" * 64})
    assert library.find("app") == made


def test_forced_under_a_running_container_only_the_name_goes(library: Library) -> None:
    made = commit(library, "app")
    hold(library, made, "c" * 64)

    removed = library.remove("app", force=True, running={"c" * 64})

    assert (removed.untagged, removed.deleted) == (made.names, ())
    assert library.find(str(made.id)).names == ()


def test_layers_wait_for_the_last_container(library: Library) -> None:
    made = commit(library, "app")
    hold(library, made, "c" * 64)

    library.remove("app", force=True)

    assert library.all() == []
    assert on_disk(library) == set(made.chains)
    with ImageState(f"{library.data_root}/state.db") as state, state.transaction():
        tables.release(state, "c" * 64)
    library.collect()
    assert on_disk(library) == set()


def test_several_names_are_not_removed_by_id_unless_forced(library: Library) -> None:
    made = commit(library, "app:1", "app:2")

    with pytest.raises(ConflictError, match="it has 2 names"):
        library.remove(made.id.hex)

    assert library.remove(made.id.hex, force=True).untagged == made.names
    assert library.all() == []


def test_nothing_is_taken_from_who_is_busy(library: Library) -> None:
    made = commit(library, "app")

    with library.busy():
        library.remove("app")
        assert library.blobs.has(made.manifest)
        commit(library, "again")

    assert library.find("again").id == made.id
    assert on_disk(library) == set(made.chains)


def test_a_container_holds_only_what_is_there(library: Library) -> None:
    made = commit(library, "app")
    lower = ImageStore(library.data_root).resolve("app").lower
    library.remove("app")

    with (
        pytest.raises(NotFoundError, match="was removed while"),
        ImageState(f"{library.data_root}/state.db") as state,
        state.transaction(),
    ):
        tables.hold(state, "c", str(made.id), lower)
    with ImageState(f"{library.data_root}/state.db") as state:
        assert state.query("SELECT * FROM image_uses") == []


def test_the_index_shows_short_and_whole_names(library: Library) -> None:
    made = commit(library, "app:1")

    index = json.loads(Path(library.blobs.directory, "index.json").read_text())

    assert index["manifests"] == [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": str(made.manifest),
            "size": os.path.getsize(library.blobs.path(made.manifest)),
            "annotations": {
                "org.opencontainers.image.ref.name": "app:1",
                "io.containerd.image.name": "docker.io/library/app:1",
            },
        }
    ]


def test_an_image_that_lies_is_never_listed(library: Library) -> None:
    layer = library.write_layer([HELLO])
    lying = type(layer)(
        digest=layer.digest, size=layer.size, media_type=layer.media_type,
        diff_id=library.write_layer([WORLD]).digest,
    )  # fmt: skip

    with pytest.raises(InvalidInputError, match="digest"):
        library.commit_image(CONFIG, [lying], ["app"])

    assert library.all() == []
    assert on_disk(library) == set()


def test_a_compressed_layer_tells_its_plain_digest(library: Library) -> None:
    import gzip  # noqa: PLC0415 - one test

    layer = library.write_layer(
        [gzip.compress(HELLO)], media_type="application/vnd.oci.image.layer.v1.tar+gzip"
    )

    assert str(layer.diff_id) == sha256(HELLO)
    assert layer.plain_size == len(HELLO)
    assert b"".join(library.plain_layer(layer)) == HELLO


def test_an_image_without_layers_is_kept(library: Library) -> None:
    made = library.commit_image(CONFIG, [], ["empty"])

    assert library.find("empty").chains == ()
    assert library.config(made)["config"] == {"Cmd": ["/bin/sh"]}
    with pytest.raises(InvalidInputError, match="has no layer"):
        ImageStore(library.data_root).resolve("empty")
