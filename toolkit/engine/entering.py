"""One more process in a running container: whom it runs as, where, and with what."""

import os

from toolkit.core.errors import InvalidInputError
from toolkit.engine import machine
from toolkit.engine.prepare import prepare
from toolkit.engine.spec import capability_sets, console_size
from toolkit.engine.users import resolve_user
from toolkit.engine.values import merge_env
from toolkit.linux.paths import open_in_root
from toolkit.oci.spec import Process, User
from toolkit.runtime.request import ExecRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import ExecConfig, View
    from toolkit.engine.settings import Settings
    from toolkit.engine.stored import Stored
    from toolkit.engine.users import Account

_LARGEST = 1 << 20


def exec_request(
    settings: "Settings", view: "View", stored: "Stored", asked: "ExecConfig"
) -> ExecRequest:
    """What the launcher is asked for ``dockyard exec``."""
    own = prepare(settings, view.id, stored, name=view.name).spec.process
    assert own is not None
    return ExecRequest(
        id=view.id,
        state_dir=settings.state_dir(view.id),
        process=_process(own, view, asked),
    )


def _process(own: Process, view: "View", asked: "ExecConfig") -> Process:
    if not asked.command:
        raise InvalidInputError("no command is given to run in the container")
    workdir = asked.workdir or own.cwd
    if not workdir.startswith("/"):
        raise InvalidInputError(f"the working directory '{workdir}' is not an absolute path")
    user, capabilities, env = own.user, own.capabilities, own.env
    if asked.user:
        account = _account(view.pid, asked.user)
        user = User(uid=account.uid, gid=account.gid, additional_gids=account.groups)
        env = merge_env(env, [f"HOME={account.home}"])
    if asked.privileged:
        capabilities = capability_sets(machine.own_capabilities(), uid=user.uid)
    elif capabilities is not None:
        capabilities = capability_sets(capabilities.bounding, uid=user.uid)
    return Process(
        args=asked.command,
        cwd=workdir,
        env=merge_env(env, ["TERM=xterm"] if asked.tty else [], asked.env),
        terminal=asked.tty,
        console_size=console_size(asked.rows, asked.columns),
        user=user,
        capabilities=capabilities,
        no_new_privileges=own.no_new_privileges,
    )


def _account(pid: int, user: str) -> "Account":
    """Whom ``user`` means in the container as it is now, read through its own root."""
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return resolve_user(user, _read(root, "etc/passwd"), _read(root, "etc/group"))
    finally:
        os.close(root)


def _read(root: int, path: str) -> str:
    """A regular file inside; never waits for a fifo, never reads without end."""
    try:
        fd = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    with open(fd, "rb") as file:
        return file.read(_LARGEST).decode(errors="replace")
