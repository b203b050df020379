"""Reads the command line, finds the command and tells of failures where callers look for them."""

import os
import sys

from toolkit.cli.oci import flags
from toolkit.cli.verb import Call, Flag, Verb, read
from toolkit.core.errors import InvalidInputError, ToolkitError, UnsupportedError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from toolkit.cli.oci.places import Where

NAME = "dockyard-oci"
_ROOT = "/run/dockyard/oci"
_FAILED = 1


@record
class Command:
    """One command: ``does`` is ``module.function`` below this package, called with ``Call, Where``.

    ``least`` and ``most`` count its arguments; ``fault`` is the exit status of a failure.
    """

    does: str
    usage: str
    summary: str
    flags: tuple[Flag, ...] = (flags.HELP,)
    least: int = 1
    most: int = 1
    greedy: bool = False
    fault: int = _FAILED


COMMANDS = {
    "create": Command(
        does="making.create",
        usage="[flags] ID",
        summary="Make a container, ready to be started",
        flags=flags.CREATING,
    ),
    "delete": Command(
        does="ending.delete",
        usage="[flags] ID",
        summary="Remove a container that has ended",
        flags=flags.DELETING,
    ),
    "events": Command(
        does="events.events",
        usage="[flags] ID",
        summary="Print what a container uses, and when it runs out of memory",
        flags=flags.WATCHING,
    ),
    "exec": Command(
        does="entering.execute",
        usage="[flags] ID COMMAND [ARGUMENT...] | --process FILE ID",
        summary="Run one more process in a container",
        flags=flags.EXECUTING,
        most=1 << 20,
        greedy=True,
        fault=255,
    ),
    "features": Command(
        does="looking.features", usage="", summary="Tell what is built", least=0, most=0
    ),
    "kill": Command(
        does="ending.kill",
        usage="[flags] ID [SIGNAL]",
        summary="Signal a container's process (TERM)",
        flags=flags.KILLING,
        most=2,
    ),
    "list": Command(
        does="looking.list_all",
        usage="[flags]",
        summary="List the containers",
        flags=flags.LISTING,
        least=0,
        most=0,
    ),
    "pause": Command(does="ending.pause", usage="ID", summary="Stop all its processes for a while"),
    "ps": Command(
        does="looking.processes",
        usage="[flags] ID",
        summary="List a container's processes",
        flags=(flags.FORMAT, flags.HELP),
    ),
    "resume": Command(does="ending.resume", usage="ID", summary="Let paused processes go on"),
    "run": Command(
        does="making.run",
        usage="[flags] ID",
        summary="Make a container and start it",
        flags=flags.RUNNING,
    ),
    "spec": Command(
        does="looking.specification",
        usage="[flags]",
        summary="Write a config.json to begin with",
        flags=(flags.BUNDLE, Flag(names=("--rootless",), help="Refused for now"), flags.HELP),
        least=0,
        most=0,
    ),
    "start": Command(does="making.start", usage="ID", summary="Run a created container's program"),
    "state": Command(does="looking.state", usage="ID", summary="Print a container's state"),
    "update": Command(
        does="updating.update",
        usage="[flags] ID",
        summary="Change a container's limits",
        flags=flags.UPDATING,
    ),
}


@record
class Log:
    """Where failures are written besides stderr; ``path`` is empty for nowhere."""

    path: str = ""
    format: str = "text"

    def write(self, level: str, text: str) -> None:
        """Append a line, as runc and crun write it."""
        if not self.path:
            return
        from toolkit.runtime.logfile import timestamp  # noqa: PLC0415 - only when something fails
        from toolkit.runtime.messages import encode  # noqa: PLC0415 - as above

        line = {"level": level, "msg": text, "time": timestamp()}
        said = encode(line) if self.format == "json" else f"{line['time']} {level}: {text}"
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(said + "\n")


def run(argv: "Sequence[str]") -> int:
    """Do what ``argv`` says; the exit status."""
    log, fault = Log(), _FAILED
    try:
        general, name, rest = _split(argv)
        if name == "" or general.flag("version"):
            return _introduce(general)
        log = _log(general)
        command = _find(name)
        fault = command.fault
        verb = _verb(f"oci {name}", command)
        call = read(verb, rest, common=())
        return _function(command)(call, _where(general, log))
    except ToolkitError as error:
        return _complain(error, log, fault)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is buffered must not be tried again
        return 128 + 13
    except OSError as error:
        where = f"'{error.filename}': " if error.filename else ""
        return _complain(ToolkitError(f"{where}{error.strerror or error}"), log, fault)
    except KeyboardInterrupt as error:
        return 128 + int(getattr(error, "number", 2))


def _split(argv: "Sequence[str]") -> "tuple[Call, str, list[str]]":
    """The general flags, the command's name and what follows it."""
    anything = Verb(
        name="oci",
        usage="[flags] COMMAND [flags] ...",
        summary="",
        flags=flags.GLOBAL,
        act=lambda _: 0,
        greedy=True,
        least=0,
    )
    call = read(anything, argv, common=())
    name, *rest = call.args or ("",)
    if call.flag("help") or name == "help":
        return call, "", []
    if "--help" in rest or (name not in ("exec", "") and "-h" in rest):
        _print_help(name)
        return replace_flag(call), "", []
    return call, name, rest


def replace_flag(call: Call) -> Call:
    """The call as one whose help is printed already."""
    return Call(values={**call.values, "told": True}, args=())


def _introduce(general: Call) -> int:
    if general.flag("version"):
        from toolkit.cli.oci.looking import print_version  # noqa: PLC0415 - reads package data

        print_version()
    elif not general.flag("told"):
        lines = [f"usage: {NAME} [flags] COMMAND [flags] ...", "", *_table(flags.GLOBAL), ""]
        lines += [f"  {name:<10}{command.summary}" for name, command in COMMANDS.items()]
        print("\n".join(lines))
    return 0


def _print_help(name: str) -> None:
    command = _find(name)
    lines = [f"usage: {NAME} {name} {command.usage}", "", command.summary, ""]
    print("\n".join([*lines, *_table(command.flags)]))


def _table(shown: tuple[Flag, ...]) -> list[str]:
    return [f"  {', '.join(flag.names)} {flag.metavar}".ljust(34) + flag.help for flag in shown]


def _find(name: str) -> Command:
    command = COMMANDS.get(name)
    if command is None:
        raise InvalidInputError(
            f"'{name}' is no command", hint=did_you_mean(name, COMMANDS) or f"see '{NAME} --help'"
        )
    return command


def _verb(name: str, command: Command) -> Verb:
    return Verb(
        name=name,
        usage=command.usage,
        summary=command.summary,
        flags=command.flags,
        act=lambda _: 0,
        greedy=command.greedy,
        least=command.least,
        most=command.most,
    )


def _function(command: Command) -> "Callable[[Call, Where], int]":
    module, function = command.does.split(".")
    name = f"toolkit.cli.oci.{module}"
    __import__(name)  # importlib would come with warnings
    found: Callable[[Call, Where], int] = getattr(sys.modules[name], function)
    return found


def _log(general: Call) -> Log:
    kind = general.text("log-format", "text")
    if kind not in ("text", "json"):
        raise InvalidInputError(f"--log-format is text or json, not '{kind}'")
    return Log(path=general.text("log"), format=kind)


def _where(general: Call, log: Log) -> "Where":
    """Where states are; refuses what would change more than that."""
    manager = general.text("cgroup-manager", "cgroupfs")
    if manager not in ("cgroupfs", "systemd"):
        raise InvalidInputError(f"--cgroup-manager is cgroupfs or systemd, not '{manager}'")
    if general.text("rootless", "auto").lower() not in ("auto", "false"):
        raise UnsupportedError("containers without root are not supported yet")
    from toolkit.cli.oci.places import Where  # noqa: PLC0415 - not for --help

    def warn(error: ToolkitError) -> None:
        print(f"{NAME}: {error.message}", file=sys.stderr)
        log.write("warning", error.message)

    return Where(
        root=os.path.abspath(general.text("root") or _ROOT),
        warn=warn,
        systemd=general.flag("systemd-cgroup") or manager == "systemd",
        bus=os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", ""),
    )


def _complain(error: ToolkitError, log: Log, fault: int) -> int:
    """One line on stderr and in the log; the exit status."""
    sys.stdout.flush()
    text = f"{error.message} ({error.hint})" if error.hint else error.message
    print(f"{NAME}: {text}", file=sys.stderr)
    try:
        log.write("error", text)
    except OSError as unwritten:
        print(f"{NAME}: --log '{log.path}': {unwritten.strerror}", file=sys.stderr)
    status = int(getattr(error, "status", 0))
    return status if status in (126, 127) else fault
