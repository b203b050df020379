"""The image that a stage has come to: its configuration, its layers, and what instructions change.

Properties have Docker's names, as the configuration of an image has (image-spec config.md; for
``Healthcheck``, ``OnBuild`` and ``Shell`` moby's image specification 1.2).
"""

import copy
import hashlib
import json
import re

from toolkit.building.parsing import Instruction
from toolkit.building.words import WordError
from toolkit.engine.signals import parse_signal
from toolkit.images.stored import LayerBlob
from toolkit.oci.image import chain_ids, this_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SHELL = ("/bin/sh", "-c")
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/(tcp|udp|sctp))?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_LEAST = 1_000_000  # a millisecond: below it Docker refuses
_MAX_PORT = 65535


class Draft:
    """An image in the making; ``lowers`` are its layers' directories, topmost first."""

    def __init__(
        self,
        document: "dict[str, Any]",
        layers: tuple[LayerBlob, ...] = (),
        lowers: tuple[str, ...] = (),
    ) -> None:
        self.document = document
        self.config: dict[str, Any] = document["config"]
        self.layers = layers
        self.lowers = lowers
        self.command_set = False
        self._id = ""

    @classmethod
    def empty(cls) -> "Draft":
        """``FROM scratch``."""
        platform = this_platform()
        document = {
            "architecture": platform.architecture,
            "os": platform.os,
            **({"variant": platform.variant} if platform.variant else {}),
            "config": {},
            "history": [],
        }
        return cls(document)

    @classmethod
    def of(
        cls, document: "dict[str, Any]", layers: tuple[LayerBlob, ...], lowers: tuple[str, ...]
    ) -> "Draft":
        """The image to build upon; the document is copied."""
        mine = copy.deepcopy(document)
        mine["config"] = mine.get("config") or {}
        mine["history"] = mine.get("history") or []
        return cls(mine, layers, lowers)

    def child(self) -> "Draft":
        """A copy for another stage."""
        made = Draft.of(self.document, self.layers, self.lowers)
        made._id = self._id
        return made

    @property
    def id(self) -> str:
        """The digest of the configuration: what ``docker images`` would call it."""
        if not self._id:
            self._id = hashlib.sha256(self.encoded()).hexdigest()
        return self._id

    def encoded(self) -> bytes:
        """The configuration as the store writes it."""
        diff_ids = [str(layer.diff_id) for layer in self.layers]
        whole = {**self.document, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        return json.dumps(whole, separators=(",", ":")).encode()

    @property
    def chain(self) -> str:
        """The chain id of the topmost layer, in digits; empty without one."""
        ids = chain_ids(tuple(layer.diff_id for layer in self.layers))
        return ids[-1].hex if ids else ""

    def done(self, history: "dict[str, Any]", layer: LayerBlob | None, directory: str = "") -> None:
        """A step is over; ``directory`` is where its layer lies unpacked."""
        self.document["history"].append(history)
        self.document["created"] = history["created"]
        if layer is not None:
            self.layers = (*self.layers, layer)
            self.lowers = (directory, *self.lowers)
        self._id = ""

    @property
    def environment(self) -> "dict[str, str]":
        """The image's variables."""
        pairs = (text.partition("=") for text in self.config.get("Env") or ())
        return {name: value for name, _, value in pairs}

    @property
    def shell(self) -> tuple[str, ...]:
        """What a command in shell form runs in."""
        return tuple(self.config.get("Shell") or SHELL)

    @property
    def workdir(self) -> str:
        """Where commands run."""
        return self.config.get("WorkingDir") or "/"

    def command(self, step: Instruction, words: tuple[str, ...]) -> tuple[str, ...]:
        """A command as it runs: the words of the exec form, or the shell and one text."""
        return words if step.exec_form else (*self.shell, *words)

    def apply(self, step: Instruction, words: tuple[str, ...]) -> str:
        """Change the configuration as an instruction says; its words as the history shows them.

        ``words`` have their variables' values; of ENV and LABEL they are name, value, name, ….
        """
        return _CHANGES[step.name](self, step, words)

    def set_environment(self, name: str, value: str) -> None:
        """Set a variable in its place, or at the end."""
        held: list[str] = list(self.config.get("Env") or ())
        text = f"{name}={value}"
        for place, other in enumerate(held):
            if other.partition("=")[0] == name:
                held[place] = text
                break
        else:
            held.append(text)
        self.config["Env"] = held

    def set_label(self, name: str, value: str) -> None:
        """Set a label."""
        self.config["Labels"] = {**(self.config.get("Labels") or {}), name: value}


def _env(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    pairs = list(zip(words[::2], words[1::2], strict=True))
    for name, value in pairs:
        if not name:
            raise WordError("a variable without a name")
        draft.set_environment(name, value)
    return " ".join(f"{name}={value}" for name, value in pairs)


def _label(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    pairs = list(zip(words[::2], words[1::2], strict=True))
    for name, value in pairs:
        draft.set_label(name, value)
    return " ".join(f"{name}={value}" for name, value in pairs)


def _maintainer(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.document["author"] = words[0]
    return words[0]


def _cmd(draft: Draft, step: Instruction, words: tuple[str, ...]) -> str:
    command = list(draft.command(step, words)) if words else []
    draft.config["Cmd"] = command
    draft.command_set = True
    return json.dumps(command)


def _entrypoint(draft: Draft, step: Instruction, words: tuple[str, ...]) -> str:
    """An entrypoint makes the command of the base its arguments no more."""
    command = list(draft.command(step, words)) if words else []
    draft.config["Entrypoint"] = command
    if not draft.command_set:
        draft.config.pop("Cmd", None)
    return json.dumps(command)


def _expose(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    ports = dict(draft.config.get("ExposedPorts") or {})
    for word in words:
        found = _PORT.fullmatch(word)
        first = int(found[1]) if found else -1
        last = int(found[2] or first) if found else -1
        if found is None or not 0 < first <= last <= _MAX_PORT:
            raise WordError(f"'{word}' is no port: NUMBER, or FIRST-LAST, and /tcp, /udp or /sctp")
        protocol = (found[3] or "tcp").lower()
        for number in range(first, last + 1):
            ports[f"{number}/{protocol}"] = {}
    draft.config["ExposedPorts"] = ports
    return " ".join(words)


def _volume(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.config["Volumes"] = {**(draft.config.get("Volumes") or {}), **{one: {} for one in words}}
    return json.dumps(list(words), separators=(",", " "))


def _user(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.config["User"] = words[0]
    return words[0]


def _workdir(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.config["WorkingDir"] = joined(draft.workdir, words[0])
    return str(draft.config["WorkingDir"])


def _stop_signal(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    parse_signal(words[0])
    draft.config["StopSignal"] = words[0]
    return words[0]


def _shell(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.config["Shell"] = list(words)
    return json.dumps(list(words), separators=(",", " "))


def _onbuild(draft: Draft, _step: Instruction, words: tuple[str, ...]) -> str:
    draft.config["OnBuild"] = [*(draft.config.get("OnBuild") or ()), words[0]]
    return words[0]


def _healthcheck(draft: Draft, step: Instruction, words: tuple[str, ...]) -> str:
    check: dict[str, Any] = {"Test": list(words)}
    names = {
        "interval": "Interval",
        "timeout": "Timeout",
        "start-period": "StartPeriod",
        "start-interval": "StartInterval",
    }
    for flag, key in names.items():
        if step.flag(flag):
            check[key] = duration(step.flag(flag), f"--{flag}")
    if step.flag("retries"):
        if not step.flag("retries").isdigit():
            raise WordError(f"--retries is a whole number, not '{step.flag('retries')}'")
        check["Retries"] = int(step.flag("retries"))
    draft.config["Healthcheck"] = check
    flags = "".join(f"--{key}={value} " for key, value in step.flags)
    return f"{flags}{json.dumps(list(words))}"


_CHANGES: "dict[str, Callable[[Draft, Instruction, tuple[str, ...]], str]]" = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}


def joined(directory: str, path: str) -> str:
    """A path as seen from a directory, without ``.`` and ``..``; it is only text."""
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{directory}/{path}").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def duration(text: str, what: str) -> int:
    """Go's durations (``1m30s``) in nanoseconds; ``0`` is Docker's word for its own default."""
    if text == "0":
        return 0
    total, place = 0.0, 0
    for found in _DURATION.finditer(text):
        if found.start() != place:
            break
        total += float(found[1]) * _NANOSECONDS[found[2]]
        place = found.end()
    if not text or place != len(text):
        raise WordError(f"{what} is a time as in 30s or 1m30s, not '{text}'")
    if 0 < total < _LEAST:
        raise WordError(f"{what} is at least 1ms, not '{text}'")
    return int(total)
