"""``--change`` of ``commit`` and ``import``: which instructions, and what they make."""

import re

import pytest

from toolkit.building.changing import CHANGES, apply_changes, changed
from toolkit.building.draft import Draft
from toolkit.core.errors import InvalidInputError


def test_there_are_those_that_docker_takes() -> None:
    docker = "CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR"
    assert " ".join(CHANGES) == docker


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (['CMD ["a", "b"]'], {"Cmd": ["a", "b"]}),
        (["CMD echo hi"], {"Cmd": ["/bin/sh", "-c", "echo hi"]}),
        (["entrypoint [broken"], {"Entrypoint": ["/bin/sh", "-c", "[broken"]}),
        (["ENV A=b", "ENV A=c D=e"], {"Env": ["A=c", "D=e"]}),
        (["ENV A b c"], {"Env": ["A=b c"]}),
        (["ENV A=1", "ENV B=$A-2 C='$A'"], {"Env": ["A=1", "B=1-2", "C=$A"]}),
        (['LABEL "x y"=z', "LABEL q=r"], {"Labels": {"x y": "z", "q": "r"}}),
        (["EXPOSE 80 53/UDP"], {"ExposedPorts": {"80/tcp": {}, "53/udp": {}}}),
        (["EXPOSE 70-71"], {"ExposedPorts": {"70/tcp": {}, "71/tcp": {}}}),
        (['VOLUME ["/a", "/b"]', "VOLUME /c"], {"Volumes": {"/a": {}, "/b": {}, "/c": {}}}),
        (["WORKDIR /a", "WORKDIR b"], {"WorkingDir": "/a/b"}),
        (["USER me:us"], {"User": "me:us"}),
        (["STOPSIGNAL SIGINT"], {"StopSignal": "SIGINT"}),
        (["ONBUILD RUN x"], {"OnBuild": ["RUN x"]}),
    ],
)  # fmt: skip
def test_instructions_change_a_configuration(changes: list[str], wanted: dict[str, object]) -> None:
    assert changed(changes) == wanted


def test_ports_may_come_from_a_variable() -> None:
    ports = changed(["ENV P='80 81'", "EXPOSE $P"])["ExposedPorts"]
    assert ports == {"80/tcp": {}, "81/tcp": {}}


def test_a_new_entrypoint_has_other_arguments() -> None:
    draft = Draft.empty()
    draft.config["Cmd"] = ["old"]
    apply_changes(draft, ['ENTRYPOINT ["e"]'])
    assert draft.config == {"Entrypoint": ["e"]}
    apply_changes(draft, ['CMD ["new"]', 'ENTRYPOINT ["f"]'])
    assert draft.config == {"Entrypoint": ["f"], "Cmd": ["new"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("RUN x", "RUN is no change"),
        ("FROM x", "FROM is no change"),
        ("ENVV a=b", "'ENVV' is no instruction"),
        ("", "holds no instruction"),
        ("ENV", "a name and a value are expected"),
        ("ENV A", "'A' has no value"),
        ("LABEL a='b", "is missing"),
        ("EXPOSE http", "'http' is no port"),
        ("USER a\nUSER b", "more than one instruction"),
    ],
)
def test_bad_instructions(change: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        changed([change])
