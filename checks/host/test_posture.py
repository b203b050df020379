"""What makes a host fit to isolate anything."""

from toolkit.conformance.check import check
from toolkit.conformance.documents import HostDoc
from toolkit.conformance.verdict import Finding, holds, none_of

ENGINE_PORT = 2375
LOOPBACK = ("0100007F", "00000000000000000000000001000000")


@check("HOST-CG-02", area="R", severity="medium")
def test_controllers(host: HostDoc) -> Finding:
    """The controllers that limits need are there."""
    missing = {"memory", "pids", "cpu", "cpuset"} - host.controllers
    return holds(
        not missing,
        seen=[host.cgroup_version, *(f"-{name}" for name in sorted(missing))],
        expected="memory pids cpu cpuset",
    )


@check("HOST-API-04", area="R", severity="critical")
def test_engine_port(host: HostDoc) -> Finding:
    """No engine's unencrypted API listens beyond this machine."""
    listening = [name.split(":") for name in host.raw["listening"]]
    return none_of(
        [
            f"{address}:{ENGINE_PORT}"
            for address, port in listening
            if int(port, 16) == ENGINE_PORT and address not in LOOPBACK
        ],
        expected=f"nothing on port {ENGINE_PORT}",
    )


@check("HOST-FILES-05", area="R", severity="critical")
def test_engine_sockets(host: HostDoc) -> Finding:
    """No engine's socket can be used by everyone: whoever uses it is root."""
    return none_of(
        [
            f"{path} {mode}"
            for path, mode in host.raw["socket_modes"].items()
            if int(mode, 8) & 0o006
        ],
        expected="0660 or tighter",
    )
