"""``exec``."""

import os

from toolkit.cli.oci import bundles
from toolkit.cli.oci.caller import console, preserved, write_pid
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.core.record import replace
from toolkit.oci.checking import check_fully
from toolkit.oci.spec import Capabilities, User, check_process, process_from_json
from toolkit.runtime.entering import enter_container
from toolkit.runtime.gate import Caller
from toolkit.runtime.request import ExecRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call
    from toolkit.oci.spec import Process
    from toolkit.runtime.request import StartRequest

_WITHOUT_PROCESS = ("cwd", "env", "user", "additional-gids", "cap", "no-new-privs")


def execute(call: "Call", where: "Where") -> int:
    """Run one more process in a container; its exit status."""
    request, state = where.find(call.args[0])
    handed = preserved(call)
    process = _process(call, request)
    process = replace(process, env=(*process.env, *handed.env))
    if not process.args:
        raise InvalidInputError("exec needs a command", hint="or --process with a JSON file")
    _check(process)
    wanted = ExecRequest(
        id=state.id,
        state_dir=where.state_dir(state.id),
        process=process,
        passthrough=True,
        cgroup=call.text("cgroup"),
        paused=call.flag("ignore-paused"),
    )
    detached = call.flag("detach")
    socket = console(call, terminal=process.terminal, stays=not detached)
    if detached:
        take = socket.send if socket else os.close
        write_pid(call, enter_container(wanted, Caller(preserve=handed.count, take_terminal=take)))
        return 0
    from toolkit.cli.oci.foreground import Foreground  # noqa: PLC0415 - only for whoever stays
    from toolkit.cli.terminal import follow  # noqa: PLC0415 - as above

    shown = Foreground(socket.send if socket else None)

    def begin() -> Foreground:
        caller = Caller(preserve=handed.count, take_terminal=shown.take_terminal)
        pid = enter_container(wanted, caller)
        write_pid(call, pid)
        shown.began(pid)
        return shown

    return follow(begin, interactive=True)


def _check(process: "Process") -> None:
    """Refuse what this machine does not have."""
    rare = (process.scheduler, process.exec_cpu_affinity)
    if process.apparmor_profile or process.selinux_label or rare != (None, None):
        from toolkit.runtime.extras import check_process_extras  # noqa: PLC0415 - few ask for one

        check_process_extras(process)


def _process(call: "Call", request: "StartRequest") -> "Process":
    """What ``--process`` says, or the container's own process changed as the flags say."""
    path = call.text("process")
    if path:
        for name in _WITHOUT_PROCESS:
            if call.values.get(name):
                raise InvalidInputError(f"--{name} and --process exclude each other")
        process = process_from_json(bundles.read_json(path), path)
        check_fully(process, f"{path}: process")
        return replace(
            process,
            terminal=process.terminal or call.flag("tty"),
            apparmor_profile=call.text("apparmor") or process.apparmor_profile,
            selinux_label=call.text("process-label") or process.selinux_label,
        )
    model = request.spec.process
    if model is None:
        raise NotFoundError(f"container '{request.id}' has no process to begin with")
    changed = replace(
        model,
        args=call.args[1:],
        terminal=call.flag("tty"),
        console_size=None,
        cwd=call.text("cwd") or model.cwd,
        env=(*model.env, *call.many("env")),
        user=_user(call, model.user),
        capabilities=_capabilities(model.capabilities, call.many("cap")),
        no_new_privileges=model.no_new_privileges or call.flag("no-new-privs"),
        apparmor_profile=call.text("apparmor") or model.apparmor_profile,
        selinux_label=call.text("process-label") or model.selinux_label,
    )
    check_process(changed, "exec: process")
    return changed


def _user(call: "Call", model: User) -> User:
    uid, _, gid = call.text("user").partition(":")
    return replace(
        model,
        uid=_id(uid) if uid else model.uid,
        gid=_id(gid) if gid else model.gid,
        additional_gids=(*model.additional_gids, *map(_id, call.many("additional-gids"))),
    )


def _id(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInputError(f"'{text}' is no id", hint="users and groups are given by number")
    return int(text)


def _capabilities(model: Capabilities | None, added: list[str]) -> Capabilities | None:
    """The container's, and those ``--cap`` adds: usable, and kept by programs it starts."""
    if not added:
        return model
    held = model or Capabilities()
    names = tuple(f"CAP_{name.upper().removeprefix('CAP_')}" for name in added)
    return replace(
        held,
        bounding=(*held.bounding, *names),
        effective=(*held.effective, *names),
        permitted=(*held.permitted, *names),
    )
