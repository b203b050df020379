"""Which driver a runtime's name stands for."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from toolkit.conformance.drivers.base import Driver, Workshop
from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

# name: (module, class, profile); the profile's name is what --runtime NAME@PROFILE replaces.
KINDS = {
    "embedded": ("embedded", "Embedded", "embedded"),
    "oci": ("oci", "Oci", "runc-spec"),
    "podman": ("podman", "Podman", "podman"),
    "docker": ("docker", "Docker", "docker"),
    "nerdctl": ("docker", "Docker", "nerdctl"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A runtime as asked for: ``oci:/usr/sbin/runc`` is kind ``oci`` with that program."""

    name: str
    kind: str
    program: str
    profile: str


def parse(name: str) -> Choice:
    """Read ``embedded``, ``podman``, ``oci:/path/to/runtime``; anything else is refused."""
    plain, _, profile = name.partition("@")
    kind, _, program = plain.partition(":")
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) or f"one of {', '.join(KINDS)} (oci:/path/to/runtime)"
        raise InvalidInputError(f"unknown runtime '{name}'", hint=hint)
    if kind == "oci" and not program.startswith("/"):
        raise InvalidInputError(
            f"runtime '{name}' names no program", hint="write it as oci:/usr/sbin/runc"
        )
    if kind != "oci" and program:
        raise InvalidInputError(f"runtime '{kind}' takes no program, not '{program}'")
    return Choice(name=plain, kind=kind, program=program or kind, profile=profile or KINDS[kind][2])


def open_driver(choice: Choice, shop: Workshop) -> Driver:
    """The driver for a choice on one host; imports only that one."""
    module, cls, _ = KINDS[choice.kind]
    made: Callable[[Choice, Workshop], Driver] = getattr(
        importlib.import_module(f"toolkit.conformance.drivers.{module}"), cls
    )
    return made(choice, shop)
