"""Gives a host the python3 that the agent needs, by the host's own package manager and plain sh."""

import contextlib
import logging
from collections.abc import Callable

import fabric

from toolkit.core.errors import UnavailableError
from toolkit.ssh.channel import SshChannel
from toolkit.ssh.connect import close, connect
from toolkit.ssh.target import Target

log = logging.getLogger(__name__)
CHUNK = 1 << 16
SCRIPT = """\
export DEBIAN_FRONTEND=noninteractive
has() { command -v "$1" >/dev/null 2>&1; }
if has apt-get; then
    apt-get -qq update || true
    apt-get -qq install -y --no-install-recommends python3
elif has dnf; then dnf -q -y install python3
elif has zypper; then zypper -q -n install python3
elif has apk; then apk -q add python3
elif has pacman; then pacman -q -S --noconfirm python
else echo "no package manager that is known here" >&2; exit 1
fi >/dev/null
"""

Open = Callable[[Target, fabric.Connection, list[str]], SshChannel]


def install(target: Target, opened: Open) -> None:
    """Install python3 as the user that the agent is to be; ``UnavailableError`` says why not.

    ``opened`` runs words on the host, by sudo where the target says so.
    """
    connection = connect(target)
    with contextlib.ExitStack() as undo:
        undo.callback(close, connection)
        try:
            channel = opened(target, connection, ["sh", "-c", SCRIPT])
            while channel.read(CHUNK):
                pass
        except (OSError, EOFError) as error:
            raise UnavailableError(f"host '{target.host}': {error}") from error
        errors = channel.last_errors()
        if channel.exit_status() != 0:
            raise UnavailableError(
                f"host '{target.host}': it has no python3, and installing it failed: {errors}",
                hint="install it there by hand",
            )
    log.warning("host '%s': it had no python3; its package manager has installed it", target.host)
