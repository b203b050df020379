"""``--log-driver`` and ``--log-opt``: where the shim puts what a container says."""

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.record import record
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.config import ContainerConfig

DRIVERS = ("json-file", "none", "journald")
_OPTIONS = {
    "json-file": ("max-size", "max-file", "mode", "max-buffer-size"),
    "none": (),
    "journald": ("tag", "mode", "max-buffer-size"),
}


@record
class LogPlan:
    """What the runtime is told: a file of ``size`` bytes at most and ``files`` of them, or fields
    of the journal.
    """

    kept: bool = True
    size: int = 0
    files: int = 1
    journal: tuple[str, ...] = ()


def check_logging(config: "ContainerConfig") -> None:
    """Refuse drivers and options that are not there."""
    plan(config, "", "")


def plan(config: "ContainerConfig", container: str, name: str) -> LogPlan:
    """Where a container's log goes."""
    driver = config.log_driver or "json-file"
    if driver not in DRIVERS:
        raise UnsupportedError(
            f"log driver '{driver}' is not supported", hint=f"it is one of {', '.join(DRIVERS)}"
        )
    options = dict(text.partition("=")[::2] for text in config.log_options)
    for key in options:
        if key not in _OPTIONS[driver]:
            raise InvalidInputError(
                f"log option '{key}' is not known to '{driver}'",
                hint=did_you_mean(key, _OPTIONS[driver]),
            )
    if options.get("mode", "blocking") != "blocking" or "max-buffer-size" in options:
        raise UnsupportedError("log option 'mode': only 'blocking' is supported")
    if driver == "none":
        return LogPlan(kept=False)
    if driver == "journald":
        return LogPlan(kept=False, journal=_fields(config, container, name, options))
    return _rotation(options)


def _rotation(options: dict[str, str]) -> LogPlan:
    from toolkit.engine.values import parse_size  # noqa: PLC0415 - it takes its types from config

    asked = options.get("max-size", "0")
    size = 0 if asked == "-1" else parse_size(asked, what="log option max-size")
    files = options.get("max-file", "1")  # without a size it has no effect, as Docker has it
    if not files.isdigit() or not int(files):
        raise InvalidInputError(f"log option max-file: '{files}' is no number of files")
    return LogPlan(size=size, files=int(files))


def _fields(
    config: "ContainerConfig", container: str, name: str, options: dict[str, str]
) -> tuple[str, ...]:
    """What ``journalctl`` can find it by, as Docker's driver names it."""
    short = container[:12]
    tag = options.get("tag", "{{.ID}}")
    for word, value in (
        ("{{.ID}}", short),
        ("{{.FullID}}", container),
        ("{{.Name}}", name),
        ("{{.ImageName}}", config.image),
    ):
        tag = tag.replace(word, value)
    if "{{" in tag:
        raise UnsupportedError(
            f"log option tag: '{tag}' asks for what is not known here",
            hint="known are {{.ID}} {{.FullID}} {{.Name}} {{.ImageName}}",
        )
    return (
        f"CONTAINER_ID={short}",
        f"CONTAINER_ID_FULL={container}",
        f"CONTAINER_NAME={name}",
        f"CONTAINER_TAG={tag}",
        f"IMAGE_NAME={config.image}",
        f"SYSLOG_IDENTIFIER={tag}",
    )
