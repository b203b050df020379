"""Each step of a start without a shim made to fail in turn: all that was made is undone."""

import os
from pathlib import Path

import pytest

from support.fork import in_child
from support.oci_boxes import Oci
from toolkit.cli.oci import bundles
from toolkit.core.errors import ToolkitError
from toolkit.core.record import replace
from toolkit.runtime import gate, groups, starting, states
from toolkit.runtime.client import cleanup
from toolkit.runtime.request import StartRequest
from toolkit.runtime.standalone import Standalone
from toolkit.runtime.steps import ALONE_STEPS, INIT_STEPS

pytestmark = pytest.mark.root

BEHIND_THE_GATE = ("start hooks", "stdio", "identity")  # "exec" looks for the program before it
NEVER = ("terminal",)  # entered and left at once: this container has none


def request(oci: Oci, *, user: bool = False) -> StartRequest:
    linux = {}
    if user:
        kinds = ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")
        maps = [{"containerID": 0, "hostID": 0, "size": 10}]
        linux = {
            "namespaces": [{"type": kind} for kind in kinds],
            "uidMappings": maps,
            "gidMappings": maps,
        }
    spec = bundles.load(str(oci.bundle("true", linux=linux)))
    oci.states.mkdir(exist_ok=True)
    return StartRequest(
        id="box",
        spec=spec,
        state_dir=str(oci.states / "box"),
        cgroup=spec.linux.cgroups_path,
        passthrough=True,
        bundle=str(oci.states.parent / "bundle"),
    )


def fail(wanted: StartRequest, noted: list[int]) -> str:
    """What making it says, in a process that takes its children in."""

    def inside() -> str:
        made = Standalone(wanted, gate.Caller(), faults=True)
        try:
            made.make(noted.append)
        except (ToolkitError, OSError) as error:
            assert not made.complete
            children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
            assert children == ""
            return str(error)
        os.waitpid(made.pid, 0)
        made.remove()
        return ""

    return in_child(inside)


def nothing_is_left(wanted: StartRequest) -> bool:
    return not os.path.exists(wanted.state_dir) and groups.find(wanted.cgroup).paths == {}


@pytest.mark.parametrize("user", [False, True], ids=["plain", "user namespace"])
def test_every_step_is_undone(oci: Oci, user: bool) -> None:
    whole = request(oci, user=user)
    assert fail(whole, []) == ""
    said = {}
    for step in dict.fromkeys((*ALONE_STEPS, *INIT_STEPS)):
        said[step] = fail(replace(whole, fault=step), [])
        assert nothing_is_left(whole), step
    unheard = {step for step, text in said.items() if "fault: asked for by a test" not in text}
    assert unheard <= {*NEVER}, said


def test_every_step_of_a_held_one_is_undone(oci: Oci) -> None:
    whole = replace(request(oci), hold=True)
    for step in dict.fromkeys((*ALONE_STEPS, *INIT_STEPS)):
        if step in (*BEHIND_THE_GATE, *NEVER):
            continue
        said = fail(replace(whole, fault=step), [])
        assert "fault: asked for by a test" in said, step
        assert nothing_is_left(whole), step


@pytest.mark.parametrize("step", BEHIND_THE_GATE)
def test_what_fails_behind_the_gate_is_told_by_start(oci: Oci, step: str) -> None:
    wanted = replace(request(oci), hold=True, fault=step)

    def inside() -> str:
        made = Standalone(wanted, gate.Caller(), faults=True)
        made.make(lambda _: None)
        state = states.read_state(wanted.state_dir)
        assert state is not None
        assert state.status == states.CREATED
        try:
            starting.start(wanted, state)
        except ToolkitError as error:
            os.waitpid(made.pid, 0)
            now = states.read_state(wanted.state_dir)
            assert now is not None
            assert now.status == states.STOPPED
            cleanup(wanted.state_dir)
            return error.message
        return ""

    assert "fault: asked for by a test" in in_child(inside)
    assert nothing_is_left(wanted)


def test_a_pid_file_that_cannot_be_written_undoes_all(oci: Oci) -> None:
    for command in ("create", "run"):
        bundle = str(oci.bundle("sleep", "600", name=command))
        line = (command, "--pid-file", "/proc/none/pid", "--bundle", bundle, "box")
        assert oci.call(*line).status == 1
        assert oci.must("list", "--quiet") == ""


def test_faults_are_for_tests_only(oci: Oci) -> None:
    wanted = replace(request(oci), fault="state")

    def inside() -> str:
        made = Standalone(wanted, gate.Caller())
        made.make(lambda _: None)
        os.waitpid(made.pid, 0)
        made.remove()
        return "ran"

    assert in_child(inside) == "ran"
    assert nothing_is_left(wanted)
