import json

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.engine.config import Bind, ContainerConfig, Tmpfs, from_data, to_data


def test_only_what_differs_is_said() -> None:
    assert to_data(ContainerConfig(image="host")) == {"image": "host"}


def test_a_config_survives_json() -> None:
    config = ContainerConfig(
        image="host",
        command=("sh", "-c", "true"),
        entrypoint=(),
        binds=(Bind(source="/a", target="/b", read_only=True),),
        tmpfs=(Tmpfs(target="/t", options=("noexec",)),),
        memory=64 << 20,
        tty=True,
        stop_timeout=3,
        labels=("a=b",),
    )
    assert from_data(json.loads(json.dumps(to_data(config)))) == config


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"imaeg": "host"}, "container.imaeg: unknown key"),
        ({"image": 1}, "container.image: expected text, not 1"),
        ({"tty": 1}, "container.tty: expected true or false, not 1"),
        ({"memory": True}, "container.memory: expected a whole number, not True"),
        ({"command": "true"}, "container.command: expected a list, not 'true'"),
        ({"command": ["a", 1]}, r"container.command\[1\]: expected text, not 1"),
        ({"command": None}, "container.command: expected a list, not None"),
        ({"binds": [{"source": "/a"}]}, r"container.binds\[0\]: Bind needs 'target'"),
        ({"binds": [{"sorce": "/a"}]}, r"container.binds\[0\].sorce: unknown key"),
        ([], "container: expected a mapping"),
    ],
)
def test_faults_name_their_place(data: object, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        from_data(data)  # type: ignore[arg-type] # that is what is tried


def test_the_nearest_key_is_told() -> None:
    with pytest.raises(InvalidInputError) as caught:
        from_data({"imaeg": "host"})
    assert caught.value.hint == "did you mean 'image'?"


def test_an_entrypoint_may_be_nothing() -> None:
    assert from_data({"entrypoint": None}).entrypoint is None
    assert from_data({"entrypoint": []}).entrypoint == ()
