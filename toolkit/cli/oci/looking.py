"""``state``, ``list``, ``ps``, ``spec``, ``features`` and ``--version``: what only looks."""

import json
import os

from toolkit.cli.oci.known import FEATURES, STARTER
from toolkit.core.errors import ConflictError, InvalidInputError, UnsupportedError
from toolkit.oci.spec import VERSION
from toolkit.runtime import groups, hooks, states

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from toolkit.cli.oci.places import Where
    from toolkit.cli.verb import Call

_HERE = "."


def state(call: "Call", where: "Where") -> int:
    """Print the state as the specification has it, and what runc adds."""
    request, now = where.find(call.args[0])
    root = "" if request.spec.root is None else request.spec.root.path
    print(
        json.dumps({**hooks.told(request, now), "rootfs": root, "created": now.created}, indent=2)
    )
    return 0


def list_all(call: "Call", where: "Where") -> int:
    """Print every container, oldest name first."""
    found = [now for name in where.names() if (now := states.read_state(f"{where.root}/{name}"))]
    if call.flag("quiet"):
        print("".join(f"{now.id}\n" for now in found), end="")
    elif _is_json(call):
        print(json.dumps([_row(now) for now in found]))
    else:
        rows = [("ID", "PID", "STATUS", "BUNDLE", "CREATED")]
        rows += [(now.id, str(now.pid), now.status, now.bundle, now.created) for now in found]
        _print_table(rows)
    return 0


def _row(now: states.State) -> "dict[str, Any]":
    return {
        "ociVersion": VERSION,
        "id": now.id,
        "pid": now.pid,
        "status": now.status,
        "bundle": now.bundle,
        "created": now.created,
    }


def processes(call: "Call", where: "Where") -> int:
    """Print the pids of a container's processes, in the host."""
    _, now = where.find(call.args[0])
    if now.status == states.STOPPED:
        raise ConflictError(f"container '{now.id}' is {now.status}")
    pids = sorted(groups.open_group(now.cgroup).processes())
    if call.text("format") == "json":
        print(json.dumps(pids))
        return 0
    _is_json(call)
    _print_table([("PID", "COMMAND"), *((str(pid), _command(pid)) for pid in pids)])
    return 0


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return "(ended)"


def specification(call: "Call", where: "Where") -> int:
    """Write a ``config.json`` that runs a shell in ``rootfs``."""
    del where
    if call.flag("rootless"):
        raise UnsupportedError("containers without root are not supported yet")
    path = os.path.join(call.text("bundle") or _HERE, "config.json")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise ConflictError(f"'{path}' exists already", hint="remove it first") from None
    with open(fd, "w", encoding="utf-8") as file:
        file.write(json.dumps(STARTER, indent="\t") + "\n")
    return 0


def features(call: "Call", where: "Where") -> int:
    """Print what is built, as features.md has it."""
    del call, where
    print(json.dumps(FEATURES, indent=2))
    return 0


def print_version() -> None:
    """The versions of this program and of the specification."""
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms

    print(f"dockyard-oci version {version('dockyard')}\nspec: {VERSION}")


def _is_json(call: "Call") -> bool:
    kind = call.text("format", "table")
    if kind not in ("table", "json"):
        raise InvalidInputError(f"--format is table or json, not '{kind}'")
    return kind == "json"


def _print_table(rows: "Sequence[tuple[str, ...]]") -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
