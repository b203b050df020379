"""``create``, ``run`` and ``start``."""

import os

from toolkit.cli.oci import bundles
from toolkit.cli.oci.caller import console, preserved, write_pid
from toolkit.core.errors import ToolkitError
from toolkit.core.record import as_dict, replace
from toolkit.linux.capabilities import NUMBERS
from toolkit.linux.process import capget
from toolkit.runtime.gate import Caller
from toolkit.runtime.joins import has_user
from toolkit.runtime.request import StartRequest
from toolkit.runtime.standalone import Standalone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call
    from toolkit.oci.spec import Spec


def create(call: "Call", where: "Where") -> int:
    """Make a container whose program waits for ``start``."""
    _make(call, where, hold=True)
    return 0


def run(call: "Call", where: "Where") -> int:
    """Make a container and run its program; without ``--detach`` stay to its end."""
    if call.flag("detach"):
        _make(call, where, hold=False)
        return 0
    return _stay(call, where)


def start(call: "Call", where: "Where") -> int:
    """Run the program of a created container."""
    from toolkit.runtime import starting  # noqa: PLC0415 - not for those that make

    request, state = where.find(call.args[0])
    starting.start(request, state)
    return 0


def _request(call: "Call", where: "Where", *, hold: bool, env: tuple[str, ...]) -> StartRequest:
    name = call.args[0]
    state_dir = where.state_dir(name)
    bundle = os.path.realpath(call.text("bundle") or ".")
    spec = _grantable(_with_env(bundles.load(bundle), env), where)
    cgroup, unit = _group(spec.linux.cgroups_path, name, where)
    return StartRequest(
        id=name,
        spec=spec,
        state_dir=state_dir,
        cgroup=cgroup,
        passthrough=True,
        hold=hold,
        bundle=bundle,
        new_keyring=not call.flag("no-new-keyring"),
        pivot=not call.flag("no-pivot"),
        unit=unit,
        bus=where.bus if unit else "",
    )


def _grantable(spec: "Spec", where: "Where") -> "Spec":
    """Without the capabilities that nobody can give it, which the specification wants told."""
    assert spec.process is not None
    asked = spec.process.capabilities
    if asked is None or has_user(spec):
        return spec
    own = capget().permitted
    lacking = {
        name
        for names in as_dict(asked).values()
        for name in names
        if name not in NUMBERS or not own >> NUMBERS[name] & 1
    }
    if not lacking:
        return spec
    for name in sorted(lacking):
        why = "this process does not have it" if name in NUMBERS else "nobody knows it"
        where.warn(ToolkitError(f"process.capabilities: '{name}' is left out: {why}"))
    given = {
        kind: tuple(name for name in names if name not in lacking)
        for kind, names in as_dict(asked).items()
    }
    return replace(spec, process=replace(spec.process, capabilities=replace(asked, **given)))


def _group(path: str, name: str, where: "Where") -> tuple[str, str]:
    """The path of the cgroup and, where systemd is to make it, its unit."""
    if not where.systemd:
        return path or name, ""
    from toolkit.cgroup.systemd import unit_of  # noqa: PLC0415 - only where it is asked for

    unit = unit_of(path, name)
    return unit.path, unit.name


def _with_env(spec: "Spec", env: tuple[str, ...]) -> "Spec":
    assert spec.process is not None
    if not env:
        return spec
    return replace(spec, process=replace(spec.process, env=(*spec.process.env, *env)))


def _make(call: "Call", where: "Where", *, hold: bool) -> None:
    """Make it and leave: whoever takes orphans in gets its process."""
    handed = preserved(call)
    request = _request(call, where, hold=hold, env=handed.env)
    assert request.spec.process is not None
    socket = console(call, terminal=request.spec.process.terminal, stays=False)
    caller = Caller(preserve=handed.count, take_terminal=socket.send if socket else os.close)
    made = Standalone(request, caller)
    try:
        made.make(lambda pid: write_pid(call, pid))
    finally:
        for error in made.warnings:
            where.warn(error)


def _stay(call: "Call", where: "Where") -> int:
    from toolkit.cli.oci.foreground import Foreground  # noqa: PLC0415 - only for whoever stays
    from toolkit.cli.terminal import Interrupted, follow  # noqa: PLC0415 - as above

    handed = preserved(call)
    request = _request(call, where, hold=False, env=handed.env)
    assert request.spec.process is not None
    terminal = request.spec.process.terminal
    socket = console(call, terminal=terminal, stays=True)
    shown = Foreground(socket.send if socket else None)
    made = Standalone(request, Caller(preserve=handed.count, take_terminal=shown.take_terminal))

    def begin() -> Foreground:
        try:
            made.make(lambda pid: write_pid(call, pid))
        except Interrupted as interrupted:
            if not made.complete:
                raise
            shown.began(made.pid)
            shown.signal(interrupted.number)
        else:
            shown.began(made.pid)
        return shown

    try:
        status = follow(begin, interactive=True)
        if not call.flag("keep"):
            made.remove()
    except KeyboardInterrupt:
        if made.complete:  # it came between the start and the wait: nobody else would end it
            made.remove()
        raise
    finally:
        for error in made.warnings:
            where.warn(error)
    return status
