"""What instructions make of an image's configuration."""

import pytest

from toolkit.building.draft import Draft, duration, joined
from toolkit.building.parsing import parse
from toolkit.building.words import WordError


def _after(*lines: str, draft: Draft | None = None) -> Draft:
    draft = draft or Draft.empty()
    for step in parse("\n".join(("FROM a", *lines))).stages[0].steps:
        flat = tuple(part for name, value in step.pairs for part in (name, value or ""))
        draft.apply(step, flat or step.words)
    return draft


def test_an_entrypoint_takes_the_bases_command_away() -> None:
    base = _after('CMD ["base"]')
    base.command_set = False
    assert "Cmd" not in _after('ENTRYPOINT ["e"]', draft=base).config


def test_a_command_of_the_same_file_stays_with_its_entrypoint() -> None:
    config = _after('CMD ["mine"]', 'ENTRYPOINT ["e"]').config
    assert (config["Entrypoint"], config["Cmd"]) == (["e"], ["mine"])


def test_the_shell_counts_from_where_it_is_set() -> None:
    config = _after("ENTRYPOINT a b", 'SHELL ["/bin/bash", "-c"]', "CMD c d").config
    assert config["Entrypoint"] == ["/bin/sh", "-c", "a b"]
    assert config["Cmd"] == ["/bin/bash", "-c", "c d"]


def test_a_variable_keeps_its_place() -> None:
    draft = _after("ENV A=1 B=2", "ENV A=3", "ENV C=4")
    assert draft.config["Env"] == ["A=3", "B=2", "C=4"]
    assert draft.environment == {"A": "3", "B": "2", "C": "4"}


def test_working_directories_add_up() -> None:
    assert _after("WORKDIR a", "WORKDIR b/../c", "WORKDIR ./d").workdir == "/a/c/d"
    assert _after("WORKDIR a", "WORKDIR /b/").workdir == "/b"
    assert joined("/a", "../../..") == "/"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("80", ["80/tcp"]),
        ("80/UDP", ["80/udp"]),
        ("80-82/tcp", ["80/tcp", "81/tcp", "82/tcp"]),
        ("0", None),
        ("70000", None),
        ("82-80", None),
        ("80/icmp", None),
        ("a", None),
    ],
)
def test_ports(text: str, ports: list[str] | None) -> None:
    if ports is None:
        with pytest.raises(WordError, match="is no port"):
            _after(f"EXPOSE {text}")
    else:
        assert list(_after(f"EXPOSE {text}").config["ExposedPorts"]) == ports


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("0", 0), ("1s", 10**9), ("1m30s", 90 * 10**9), ("1.5s", 1_500_000_000), ("2ms", 2_000_000)],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert duration(text, "x") == nanoseconds


@pytest.mark.parametrize("text", ["", "1", "s", "1x", "1s x", "-1s", "1us"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(WordError, match="--timeout is"):
        duration(text, "--timeout")


def test_a_healthcheck_is_taken_away() -> None:
    draft = _after("HEALTHCHECK CMD x", "HEALTHCHECK NONE")
    assert draft.config["Healthcheck"] == {"Test": ["NONE"]}


def test_an_id_is_of_the_whole_image_and_a_copy_leaves_it() -> None:
    draft = _after("ENV A=1")
    before = draft.id
    child = draft.child()
    child.set_environment("A", "2")
    child.done({"created": "2020-01-01T00:00:00Z", "created_by": "x", "empty_layer": True}, None)
    assert draft.id == before
    assert child.id != before
    assert draft.config["Env"] == ["A=1"]
