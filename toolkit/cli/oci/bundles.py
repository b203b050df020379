"""Bundles and other JSON files that callers hand over."""

import os

from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.core.record import replace
from toolkit.engine.defaults import DEVICE_RULES
from toolkit.oci.checking import check_bundle
from toolkit.oci.spec import DeviceRule, Linux, Mount, Spec, from_json
from toolkit.runtime import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CONFIG = "config.json"


def read_json(path: str) -> "Any":
    """What a JSON file says; ``InvalidInputError`` with line and column where it is none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise MissingInputError(f"there is no '{path}'") from None
    return parse(data, path)


def parse(data: bytes, name: str) -> "Any":
    """The same for text that was read already."""
    try:
        return messages.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name}: {_place(data, error)}") from None


def _place(data: bytes, error: Exception) -> str:
    """Where the fault is, as the slow parser tells it."""
    import json  # noqa: PLC0415 - 6 ms that only a faulty file costs

    try:
        json.loads(data)
    except json.JSONDecodeError as fault:
        return f"line {fault.lineno}, column {fault.colno}: {fault.msg.lower()}"
    except (ValueError, RecursionError) as fault:
        return str(fault)
    return str(error)


def load(bundle: str) -> Spec:
    """The specification of a bundle, with every path absolute, checked."""
    spec = from_json(read_json(f"{bundle}/{_CONFIG}"))
    if spec.process is None:
        raise InvalidInputError("config.json: process: a container needs one to run")
    if spec.root is None:
        raise InvalidInputError("config.json: root: a container needs a root file system")
    path = os.path.join(bundle, spec.root.path)
    if not os.path.isdir(path):
        raise InvalidInputError(f"config.json: root.path: '{path}' is no directory")
    made = replace(
        spec,
        root=replace(spec.root, path=os.path.realpath(path)),
        mounts=tuple(_absolute(entry, bundle) for entry in spec.mounts),
        linux=_with_default_devices(spec.linux),
    )
    check_bundle(made)
    return made


def _with_default_devices(linux: Linux) -> Linux:
    """Rules that let the default devices be used, after those of the bundle.

    Bundles begin with a rule that forbids all and leave the defaults to the runtime.
    """
    resources = linux.resources
    if resources is None or not resources.devices:
        return linux
    rules = tuple(
        DeviceRule(allow=True, type=kind, major=major, minor=minor, access=access)
        for kind, major, minor, access in DEVICE_RULES
    )
    return replace(linux, resources=replace(resources, devices=(*resources.devices, *rules)))


def _absolute(entry: Mount, bundle: str) -> Mount:
    """A relative source of a bind lies below the bundle (config.md, "Mounts")."""
    bound = entry.type == "bind" or "bind" in entry.options or "rbind" in entry.options
    if not bound or entry.source.startswith("/"):
        return entry
    return replace(entry, source=os.path.join(bundle, entry.source))
