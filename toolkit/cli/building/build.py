"""``build``."""

import os
import sys
from contextlib import ExitStack, nullcontext

from toolkit.building.build import build
from toolkit.building.faults import StepFailedError
from toolkit.building.incoming import (
    DOCKERFILE,
    is_archive,
    read_ignored,
    read_texts,
    text_of,
    unpacked,
)
from toolkit.building.request import BuildRequest, Secret
from toolkit.building.site import Services
from toolkit.cli.building.progress import PROGRESS, printer_for
from toolkit.cli.containers.opening import settings_of
from toolkit.cli.verb import Call, Flag, Verb, complain
from toolkit.core.errors import InvalidInputError, MissingInputError, UnsupportedError
from toolkit.core.files import write_atomic
from toolkit.core.record import replace
from toolkit.runtime.client import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_URLS = ("http://", "https://", "git://", "git@", "ssh://", "github.com/")
_EPOCH = "SOURCE_DATE_EPOCH"
_START = 512


def _build(call: Call) -> int:
    settings = settings_of(call)
    quiet = call.flag("quiet")
    printer = printer_for("quiet" if quiet else call.text("progress", "auto"))
    with ExitStack() as stack:
        _interruptible()
        request = _request(call, settings.data_root, stack)
        services = Services(
            settings=settings,
            launcher=Launcher.spawn,
            pull=_puller(call, settings.data_root, quiet=quiet),
        )
        try:
            built = build(request, services, printer)
        except StepFailedError as error:
            printer.flush()
            return complain(error, status=error.exit_status)
        printer.finish(built.id, built.names)
        if path := call.text("iidfile"):
            write_atomic(path, built.id.encode(), sync=False)
    return 0


def _puller(call: Call, data_root: str, *, quiet: bool) -> "Callable[[str], None]":
    """Fetches an image that a build stands on, as ``pull`` does."""

    def pull(reference: str) -> None:
        from toolkit.cli.images.pulling import fetch  # noqa: PLC0415 - most images are there
        from toolkit.cli.images.telling import telling  # noqa: PLC0415 - as above
        from toolkit.images.library import Library  # noqa: PLC0415 - as above
        from toolkit.images.progress import nobody  # noqa: PLC0415 - as above

        silent = quiet or call.text("progress") == "quiet"
        with nullcontext(nobody) if silent else telling(call) as report:
            fetch(Library(data_root), reference, report)

    return pull


def _interruptible() -> None:
    """A polite end takes the way of Ctrl-C, so that nothing is left of what runs."""
    import signal  # noqa: PLC0415 - after the heavy imports, beside its one use

    def give_up(number: int, _frame: object) -> None:
        error = KeyboardInterrupt()
        error.number = number  # type: ignore[attr-defined] # verb.perform reads it
        raise error

    signal.signal(signal.SIGTERM, give_up)


def _request(call: Call, data_root: str, stack: ExitStack) -> BuildRequest:
    arguments = dict(_pairs(call.many("build-arg"), "--build-arg", os.environ))
    epoch = arguments.get(_EPOCH) or os.environ.get(_EPOCH, "")
    if epoch and not epoch.isdigit():
        raise InvalidInputError(f"{_EPOCH} is a number of seconds, not '{epoch}'")
    asked = BuildRequest(
        dockerfile="",
        tags=tuple(call.many("tag")),
        arguments=tuple(arguments.items()),
        labels=tuple(_pairs(call.many("label"), "--label", None)),
        target=call.text("target"),
        no_cache=call.flag("no-cache"),
        pull=call.flag("pull"),
        network=call.text("network", "default"),
        secrets=tuple(_secret(text) for text in call.many("secret")),
        epoch=int(epoch) if epoch else None,
        add_hosts=tuple(call.many("add-host")),
    )
    return _with_files(asked, call, data_root, stack)


def _with_files(asked: BuildRequest, call: Call, data_root: str, stack: ExitStack) -> BuildRequest:
    """The request with its context and Dockerfile: a directory, or what comes on stdin."""
    context, file = call.args[0], call.text("file")
    if context.startswith(_URLS):
        raise UnsupportedError(
            f"'{context}': a context is a directory or '-'", hint="fetch or clone it first"
        )
    if context != "-":
        return _in_directory(asked, context, file)
    if file == "-":
        raise InvalidInputError("the context and the Dockerfile cannot both come from stdin")
    start = _start(sys.stdin.fileno())
    stream = _Stdin(start)
    if not is_archive(start):
        if file:
            raise InvalidInputError("stdin holds a Dockerfile, so '-f' has no meaning")
        return replace(asked, dockerfile=text_of(stream.all(), "stdin"), file="stdin")
    directory = stack.enter_context(unpacked(stream, data_root))
    texts = read_texts(directory, file or DOCKERFILE)
    return replace(
        asked,
        context=directory,
        dockerfile=texts.dockerfile,
        file=texts.file,
        ignore=texts.ignore,
    )


def _in_directory(asked: BuildRequest, context: str, file: str) -> BuildRequest:
    if not os.path.isdir(context):
        raise MissingInputError(
            f"the build context '{context}' is no directory", hint="give a directory, or '-'"
        )
    full = os.path.abspath(context)
    if file == "-":
        text = text_of(sys.stdin.buffer.read(), "stdin")
        return replace(
            asked, context=full, dockerfile=text, file="stdin", ignore=read_ignored(full)
        )
    path = file or os.path.join(context, DOCKERFILE)
    try:
        with open(path, "rb") as opened:
            text = text_of(opened.read(), path)
        with open(f"{path}.dockerignore", "rb") as opened:
            ignore = text_of(opened.read(), f"{path}.dockerignore")
    except FileNotFoundError as error:
        if error.filename == path:
            raise MissingInputError(
                f"there is no '{path}'", hint="name the Dockerfile with -f"
            ) from None
        ignore = read_ignored(full)
    return replace(asked, context=full, dockerfile=text, file=path, ignore=ignore)


class _Stdin:
    """What was read from stdin already, then the rest."""

    def __init__(self, start: bytes) -> None:
        self._held = start

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        if self._held:
            data, self._held = self._held[:size], self._held[size:]
            return data
        return os.read(sys.stdin.fileno(), size)

    def all(self) -> bytes:
        """Everything."""
        return b"".join(iter(lambda: self.read(1 << 16), b""))


def _start(fd: int) -> bytes:
    """The first bytes of a stream, as many as tell what it is."""
    data = b""
    while len(data) < _START and (more := os.read(fd, _START - len(data))):
        data += more
    return data


def _pairs(
    texts: list[str], flag: str, environ: "Mapping[str, str] | None"
) -> "Iterator[tuple[str, str]]":
    """``NAME=VALUE``; a lone name has its value from the environment, where that counts."""
    for text in texts:
        name, equals, value = text.partition("=")
        if not name:
            raise InvalidInputError(f"{flag} is NAME=VALUE, not '{text}'")
        if equals or environ is None:
            yield name, value
        elif name in environ:
            yield name, environ[name]


def _secret(text: str) -> Secret:
    """``id=NAME``, and ``src=FILE`` or ``env=NAME``; alone it is a variable, or a file."""
    found = dict(part.partition("=")[::2] for part in text.split(","))
    unknown = set(found) - {"id", "src", "source", "env", "type"}
    name = found.get("id", "")
    kind = found.get("type", "")
    if not name or unknown or kind not in ("", "file", "env"):
        raise InvalidInputError(
            f"'{text}' is no secret", hint="as in --secret id=token,src=FILE or id=token,env=NAME"
        )
    source = found.get("src") or found.get("source", "")
    variable = found.get("env", "")
    if not source and not variable and (kind == "env" or (not kind and name in os.environ)):
        variable = name
    if kind == "env" and source:
        variable, source = source, ""
    if variable:
        if variable not in os.environ:
            raise MissingInputError(f"the secret '{name}': there is no variable '{variable}'")
        return Secret(name=name, data=os.environb[os.fsencode(variable)])
    path = source or name
    try:
        with open(path, "rb") as file:
            return Secret(name=name, data=file.read())
    except FileNotFoundError:
        raise MissingInputError(f"the secret '{name}': there is no file '{path}'") from None


BUILD = Verb(
    name="build",
    usage="[FLAGS] DIRECTORY|-",
    summary="Build an image from a Dockerfile and a directory of files.",
    flags=(
        Flag(names=("-t", "--tag"), metavar="NAME", many=True, help="A name for the image"),
        Flag(names=("-f", "--file"), metavar="FILE", help="The Dockerfile (DIRECTORY/Dockerfile)"),
        Flag(names=("--build-arg",), metavar="K=V", many=True, help="The value of an ARG"),
        Flag(names=("--target",), metavar="STAGE", help="The stage to end with"),
        Flag(names=("--no-cache",), help="Do every step, whatever was done before"),
        Flag(names=("--pull",), help="Fetch base images even if they are there"),
        Flag(names=("--label",), metavar="K=V", many=True, help="A label for the image"),
        Flag(names=("--network",), metavar="MODE", help="The network of commands (default)"),
        Flag(names=("--secret",), metavar="SECRET", many=True, help="id=NAME,src=FILE or env=NAME"),
        Flag(names=("--add-host",), metavar="H:IP", many=True, help="A line for /etc/hosts"),
        Flag(names=("--iidfile",), metavar="FILE", help="Write the image's id there"),
        Flag(names=("--progress",), metavar="HOW", help=f"One of {', '.join(PROGRESS)} (auto)"),
        Flag(names=("-q", "--quiet"), help="Print the image's id only"),
    ),
    act=_build,
    fault=1,
    most=1,
)
