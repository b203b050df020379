"""The rows of ``network ls``."""

from toolkit.cli.templates.listing import Layout
from toolkit.engine.filters import matches_labels
from toolkit.engine.netstore import BUILT_IN
from toolkit.engine.stamps import local_stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.engine.filters import Filters
    from toolkit.engine.netstore import Network

    Row = dict[str, object]

LAYOUT = Layout(
    columns=(
        ("ID", "NETWORK ID"),
        ("Name", "NAME"),
        ("Driver", "DRIVER"),
        ("Scope", "SCOPE"),
    ),
    more=(
        ("IPv4", "IPV4"),
        ("IPv6", "IPV6"),
        ("Internal", "INTERNAL"),
        ("Labels", "LABELS"),
        ("CreatedAt", "CREATED AT"),
    ),
    raw=("network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n"),
)


def row(network: "Network", *, used: bool) -> "Row":
    """The fields of one network."""
    return _fields(
        network.name,
        "bridge",
        ID=network.id,
        IPv6=str(network.bridge.address6 is not None).lower(),
        Internal=str(network.bridge.internal).lower(),
        Labels=",".join(network.labels),
        CreatedAt=local_stamp(network.created),
        labels=dict(text.partition("=")[::2] for text in network.labels),
        used=used,
    )


def _fields(name: str, driver: str, **more: object) -> "Row":
    labels = more.get("labels")
    assert labels is None or isinstance(labels, dict)
    found: Row = {
        "ID": "",
        "Name": name,
        "Driver": driver,
        "Scope": "local",
        "IPv4": "true",
        "IPv6": "false",
        "Internal": "false",
        "Labels": "",
        "CreatedAt": "",
        "Label": lambda key: (labels or {}).get(key, ""),
    }
    return {**found, **more}


APART = (_fields("host", "host"), _fields("none", "null"))
"""What needs no bridge."""


def shortened(fields: "Row") -> "Row":
    """The same with the beginning of its id."""
    return {**fields, "ID": str(fields["ID"])[:12] or "-"}


def matches(fields: "Row", filters: "Filters") -> bool:
    """Whether a network meets the filters."""
    labels = fields.get("labels") or {}
    assert isinstance(labels, dict)
    if not matches_labels(labels, filters.get("label", ())):
        return False
    return all(
        any(_TESTS[key](fields, value) for value in wanted)
        for key, wanted in filters.items()
        if key != "label"
    )


def _is_dangling(fields: "Row", value: str) -> bool:
    dangling = fields["Name"] not in BUILT_IN and not fields.get("used")
    return dangling == (value.lower() in ("1", "true", "t"))


_TESTS: "dict[str, Callable[[Row, str], bool]]" = {
    "driver": lambda fields, value: fields["Driver"] == value,
    "id": lambda fields, value: str(fields["ID"]).startswith(value),
    "name": lambda fields, value: value in str(fields["Name"]),
    "scope": lambda fields, value: fields["Scope"] == value,
    "type": lambda fields, value: (fields["Name"] in BUILT_IN) == (value == "builtin"),
    "dangling": _is_dangling,
}
