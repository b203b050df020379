"""Hooks by themselves, in this very namespace."""

import json
from pathlib import Path

import pytest

from toolkit.core.errors import ToolkitError
from toolkit.oci.spec import Hook, Hooks, Spec
from toolkit.runtime import hooks


def shell(script: str, **changes: int) -> Hook:
    return Hook(path="/bin/sh", args=("sh", "-c", script), env=("PATH=/usr/bin:/bin",), **changes)


def test_the_state_is_on_stdin_and_the_environment_is_its_own(tmp_path: Path) -> None:
    script = f"cat >{tmp_path}/state; env >{tmp_path}/env; ls /proc/self/fd >{tmp_path}/fds"
    hooks.run(Spec(hooks=Hooks(prestart=(shell(script),))), "prestart", {"id": "box"})
    assert json.loads((tmp_path / "state").read_text()) == {"id": "box"}
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names <= {"PATH", "PWD", "OLDPWD", "SHLVL", "_"}
    assert len((tmp_path / "fds").read_text().split()) == 4


def test_they_run_in_order_up_to_the_first_that_fails(tmp_path: Path) -> None:
    log = tmp_path / "log"
    wanted = [shell(f"echo {number} >>{log}; exit {number}") for number in (0, 4, 0)]
    spec = Spec(hooks=Hooks(create_runtime=tuple(wanted)))
    with pytest.raises(ToolkitError, match=r"hooks.createRuntime\[1\]: '/bin/sh' ended with st"):
        hooks.run(spec, "createRuntime", {})
    assert log.read_text() == "0\n4\n"


def test_all_of_them_run_where_a_failure_only_warns(tmp_path: Path) -> None:
    spec = Spec(hooks=Hooks(poststop=(shell("exit 1"), shell("kill -9 $$"), shell("exit 0"))))
    told: list[str] = []
    hooks.run_all(spec, "poststop", {}, lambda error: told.append(error.message))
    assert told == [
        "hooks.poststop[0]: '/bin/sh' ended with status 1",
        "hooks.poststop[1]: '/bin/sh' was killed by signal 9",
    ]


def test_the_last_line_of_a_failure_is_told() -> None:
    spec = Spec(hooks=Hooks(prestart=(shell("echo first; echo last >&2; exit 2"),)))
    with pytest.raises(ToolkitError, match=r"status 2: last$"):
        hooks.run(spec, "prestart", {})


def test_a_hook_has_its_time() -> None:
    spec = Spec(hooks=Hooks(prestart=(shell("sleep 60", timeout=1),)))
    with pytest.raises(ToolkitError, match="did not end within 1 s"):
        hooks.run(spec, "prestart", {})


def test_rights_are_given_up_before_it_runs(tmp_path: Path) -> None:
    def refuse() -> None:
        raise ToolkitError("no rights")

    spec = Spec(hooks=Hooks(start_container=(shell(f"touch {tmp_path}/ran"),)))
    with pytest.raises(ToolkitError, match="status 127: no rights"):
        hooks.run(spec, "startContainer", {}, become=refuse)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("prestart", True), ("start_container", True), ("poststart", False), ("poststop", False)],
)
def test_which_concern_an_init(kind: str, *, wanted: bool) -> None:
    assert hooks.of_init(Spec(hooks=Hooks(**{kind: (Hook(path="/x"),)}))) is wanted
    assert not hooks.of_init(Spec())
