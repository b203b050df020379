"""``--filter`` of containers: which of them a list keeps, by Docker's rules.

Values of one key are alternatives, except for labels, which must all be there; keys are all to
be met.
"""

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from toolkit.engine.model import View

    Filters = Mapping[str, Sequence[str]]

STATUSES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
CONTAINER_KEYS = (
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
)


def parse_filters(words: "Iterable[str]", known: "Sequence[str]") -> dict[str, list[str]]:
    """``KEY=VALUE`` texts by their key; ``InvalidInputError`` names one that is not known."""
    found: dict[str, list[str]] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise InvalidInputError(f"filter: '{word}' is not of the form KEY=VALUE")
        found.setdefault(key.strip().lower(), []).append(value.strip())
    check_filters(found, known)
    return found


def check_filters(filters: "Filters", known: "Sequence[str]") -> None:
    """Refuse a key that is not known."""
    for key in filters:
        if key not in known:
            hint = did_you_mean(key, known) or f"known are {', '.join(known)}"
            raise InvalidInputError(f"invalid filter '{key}'", hint=hint)


def asks_for_all(filters: "Filters") -> bool:
    """Whether a filter speaks of containers that do not run: then they are looked at as well."""
    return bool({"status", "exited"} & set(filters))


def select(views: "Sequence[View]", filters: "Filters", everyone: "Sequence[View]") -> "list[View]":
    """Those that meet the filters; ``everyone`` are those that ``before`` and ``since`` name."""
    check_filters(filters, CONTAINER_KEYS)
    _check_values(filters)
    kept = list(views)
    for key, wanted in filters.items():
        if key in ("before", "since"):
            edges = [_named(everyone, value).created for value in wanted]
            if key == "before":
                kept = [view for view in kept if view.created < min(edges)]
            else:
                kept = [view for view in kept if view.created > max(edges)]
        else:
            test = _TESTS[key]
            each = all if key == "label" else any
            kept = [view for view in kept if each(test(view, value) for value in wanted)]
    return kept


def _check_values(filters: "Filters") -> None:
    for status in filters.get("status", ()):
        if status not in STATUSES:
            raise InvalidInputError(
                f"invalid filter 'status={status}'", hint=f"it is one of {', '.join(STATUSES)}"
            )
    for code in filters.get("exited", ()):
        if not code.removeprefix("-").isdigit():
            raise InvalidInputError(f"invalid filter 'exited={code}': it is no number")


def _named(views: "Sequence[View]", name: str) -> "View":
    for view in views:
        if name and (view.name == name.removeprefix("/") or view.id.startswith(name)):
            return view
    raise InvalidInputError(f"invalid filter: there is no container '{name}'")


def _has_label(view: "View", wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    labels = dict(text.partition("=")[::2] for text in view.labels)
    return name in labels and (not equals or labels[name] == value)


def matches_labels(labels: "Mapping[str, str]", wanted: "Iterable[str]") -> bool:
    """Whether all labels asked for, as ``NAME`` or ``NAME=VALUE``, are there."""
    pairs = [text.partition("=") for text in wanted]
    return all(name in labels and (not eq or labels[name] == value) for name, eq, value in pairs)


def _has_name(view: "View", wanted: str) -> bool:
    """A regular expression, found anywhere in the name; ``^`` and ``/`` may begin it."""
    if wanted.replace("-", "").replace("_", "").isalnum():
        return wanted in view.name
    import re  # noqa: PLC0415 - most names are plain

    try:
        found = re.search(wanted, view.name) or re.search(wanted, f"/{view.name}")
    except re.error as error:
        raise InvalidInputError(f"invalid filter 'name={wanted}': {error}") from None
    return found is not None


def _has_ancestor(view: "View", wanted: str) -> bool:
    named = view.image in (wanted, f"{wanted}:latest")
    digest = view.digest.partition(":")[2]
    return named or (bool(digest) and digest.startswith(wanted.removeprefix("sha256:")))


def _has_volume(view: "View", wanted: str) -> bool:
    binds = ((bind.source, bind.target) for bind in view.config.binds)
    volumes = ((volume.name, volume.target) for volume in view.config.volumes)
    return any(wanted in names for names in (*binds, *volumes))


def _has_network(view: "View", wanted: str) -> bool:
    if wanted == view.config.network:
        return True
    return any(
        one.network.name == wanted or (wanted and one.network.id.startswith(wanted))
        for one in view.networks
    )


def _publishes(view: "View", wanted: str) -> bool:
    number, _, protocol = wanted.partition("/")
    ports = [port for one in view.networks for port in one.endpoint.ports]
    return any(
        number in (str(port.outer), str(port.inner)) and protocol in ("", port.protocol)
        for port in ports
    )


_TESTS: "dict[str, Callable[[View, str], bool]]" = {
    "ancestor": _has_ancestor,
    "exited": lambda view, code: view.status == "exited" and view.exit_status == int(code),
    "expose": _publishes,
    "health": lambda view, wanted: (view.health or "none") == wanted,
    "id": lambda view, start: view.id.startswith(start),
    "is-task": lambda _view, wanted: wanted.lower() in ("false", "0"),
    "label": _has_label,
    "name": _has_name,
    "network": _has_network,
    "publish": _publishes,
    "status": lambda view, status: view.status == status,
    "volume": _has_volume,
}
