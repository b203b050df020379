from pathlib import Path
from typing import Any

import pytest

from support.images import entry, tar_of
from toolkit.core.errors import InvalidInputError
from toolkit.images.describing import document, history, seconds, select
from toolkit.images.library import Library
from toolkit.images.stored import StoredImage

STEPS = [
    {"created": "2024-05-06T07:08:09Z", "created_by": "ADD rootfs / "},
    {"created": "2024-05-06T07:08:10Z", "created_by": 'CMD ["/bin/sh"]', "empty_layer": True},
    {"created": "2024-05-06T07:08:11Z", "created_by": "RUN x", "comment": "by hand"},
]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(str(tmp_path / "data"))


def commit(
    library: Library, name: str, created: str, *, steps: object = None, **config: Any
) -> StoredImage:
    layers = [
        library.write_layer([tar_of((entry(text), text.encode()))]) for text in ("one", "three")
    ]
    whole = {"created": created, "os": "linux", "architecture": "arm64", "variant": "v8"}
    if steps:
        whole["history"] = steps  # type: ignore[assignment] # JSON holds what it likes
    return library.commit_image({**whole, "config": config}, layers, [name] if name else [])


def test_a_document_has_docker_s_fields(library: Library) -> None:
    made = commit(library, "team/app:1", "2024-05-06T07:08:09Z", steps=STEPS, Cmd=["/a"])
    library.tag("team/app:1", "reg.example/x")
    library.known_as(made, "docker.io/team/app", made.manifest)

    shown = document(library, library.find("team/app:1"))

    assert shown["RepoTags"] == ["team/app:1", "reg.example/x:latest"]
    assert shown["RepoDigests"] == [f"team/app@{made.manifest}"]
    assert (shown["Os"], shown["Architecture"], shown["Variant"]) == ("linux", "arm64", "v8")
    assert shown["Config"] == {"Cmd": ["/a"]}
    assert shown["Comment"] == "by hand"
    assert shown["Size"] == len("one") + len("three")
    upper = Path(shown["GraphDriver"]["Data"]["UpperDir"])
    assert (upper / "three").exists()
    assert len(shown["RootFS"]["Layers"]) == 2


def test_a_history_goes_back(library: Library) -> None:
    made = commit(library, "app", "2024-05-06T07:08:11Z", steps=STEPS)

    lines = history(library, made)

    assert [line["CreatedBy"] for line in lines] == ["RUN x", 'CMD ["/bin/sh"]', "ADD rootfs / "]
    assert [line["Size"] for line in lines] == [5, 0, 3]
    assert [line["Id"] for line in lines] == [str(made.id), "<missing>", "<missing>"]
    assert lines[0]["Tags"] == ["app:latest"]
    assert lines[0]["Created"] == 1714979291


def test_an_image_without_history_shows_its_layers(library: Library) -> None:
    lines = history(library, commit(library, "app", ""))

    assert [line["Size"] for line in lines] == [5, 3]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2024-05-06T07:08:09Z", 1714979289.0),
        ("2024-05-06T07:08:09.123456789Z", 1714979289.123456),
        ("2024-05-06T09:08:09.5+02:00", 1714979289.5),
        ("0001-01-01T00:00:00Z", -62135596800.0),
        ("", 0.0),
        ("yesterday", 0.0),
        ("2024-99-06T07:08:09Z", 0.0),
    ],
)
def test_times_of_go_are_read(text: str, wanted: float) -> None:
    assert seconds(text) == pytest.approx(wanted)


@pytest.fixture
def shelf(library: Library) -> Library:
    commit(library, "team/app:1", "2024-01-01T00:00:00Z", Labels={"a": "1", "b": "2"})
    commit(library, "team/app:2", "2024-01-02T00:00:00Z", Labels={"a": "2"})
    commit(library, "reg.example:5000/deep/er/x:1", "2024-01-03T00:00:00Z")
    commit(library, "", "2024-01-04T00:00:00Z")
    return library


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"dangling": ["true"]}, "4"),
        ({"dangling": ["false"]}, "3 2 1"),
        ({"label": ["a"]}, "2 1"),
        ({"label": ["a=1", "b"]}, "1"),
        ({"reference": ["team/app"]}, "2 1"),
        ({"reference": ["team/app:2"]}, "2"),
        ({"reference": ["team/*:1"]}, "1"),
        ({"reference": ["*"]}, ""),
        ({"reference": ["docker.io/team/app:?"]}, "2 1"),
        ({"reference": ["reg.example:5000/*/*/x"]}, "3"),
        ({"reference": ["team/app:1", "team/app:2"]}, "2 1"),
        ({"before": ["team/app:2"]}, "1"),
        ({"since": ["team/app:2"], "dangling": ["0"]}, "3"),
    ],
)
def test_filters(shelf: Library, filters: dict[str, list[str]], wanted: str) -> None:
    days = [str(int(one.created[8:10])) for one in select(shelf, shelf.all(), filters)]

    assert " ".join(days) == wanted


def test_a_reference_leaves_only_the_names_that_it_fits(shelf: Library) -> None:
    shelf.tag("team/app:1", "mine:3")
    (found,) = select(shelf, shelf.all(), {"reference": ["mine", "other"]})

    assert found.names == ("docker.io/library/mine:3",)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"dangeling": ["true"]}, "invalid filter 'dangeling'"),
        ({"dangling": ["perhaps"]}, "it is true or false"),
    ],
)
def test_bad_filters(shelf: Library, filters: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        select(shelf, shelf.all(), filters)
