"""Networks in a list: those without a bridge beside the others, and which of them meet filters."""

from toolkit.engine.filters import matches_labels
from toolkit.engine.netstore import BUILT_IN
from toolkit.engine.stamps import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from toolkit.engine.filters import Filters


def _apart(name: str, driver: str) -> "dict[str, Any]":
    return {
        "Name": name,
        "Id": name.encode().hex().ljust(64, "0"),
        "Created": stamp(0.0),
        "Scope": "local",
        "Driver": driver,
        "EnableIPv4": True,
        "EnableIPv6": False,
        "IPAM": {"Driver": "default", "Options": None, "Config": None},
        "Internal": False,
        "Attachable": False,
        "Ingress": False,
        "Containers": {},
        "Options": {},
        "Labels": {},
    }


APART = (_apart("host", "host"), _apart("none", "null"))
"""What needs no bridge, in the same shape."""


def apart(reference: str) -> "dict[str, Any]":
    """The one of ``APART`` of that name or id; empty where it is neither."""
    return next((one for one in APART if reference in (one["Name"], one["Id"])), {})


def meets(shown: "dict[str, Any]", filters: "Filters", *, used: bool) -> bool:
    """Whether a network, as ``document`` shows it, meets the filters."""
    if not matches_labels(shown["Labels"], filters.get("label", ())):
        return False
    return all(
        any(_TESTS[key](shown, value, used) for value in wanted)
        for key, wanted in filters.items()
        if key != "label"
    )


def _is_dangling(shown: "dict[str, Any]", value: str, used: bool) -> bool:
    dangling = shown["Name"] not in BUILT_IN and not used
    return dangling == (value.lower() in ("1", "true", "t"))


_TESTS: "dict[str, Callable[[dict[str, Any], str, bool], bool]]" = {
    "driver": lambda shown, value, _: bool(shown["Driver"] == value),
    "id": lambda shown, value, _: bool(shown["Id"].startswith(value)),
    "name": lambda shown, value, _: value in shown["Name"],
    "scope": lambda shown, value, _: bool(shown["Scope"] == value),
    "type": lambda shown, value, _: (shown["Name"] in BUILT_IN) == (value == "builtin"),
    "dangling": _is_dangling,
}
