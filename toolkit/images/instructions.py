"""``--change``: Dockerfile instructions that only alter an image's configuration.

What ``import`` and ``commit`` take: CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME
WORKDIR, in Docker's forms.
"""

import json
import posixpath
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean

Config = dict[str, Any]
_SHELL = ["/bin/sh", "-c"]


def apply_changes(config: Config, changes: Sequence[str]) -> Config:
    """The ``config`` object of an image with these instructions applied, one after the other."""
    made = dict(config)
    for text in changes:
        word, _, rest = text.strip().partition(" ")
        change = _CHANGES.get(word.upper())
        if change is None:
            hint = did_you_mean(word.upper(), _CHANGES) or f"there are {', '.join(_CHANGES)}"
            raise InvalidInputError(
                f"change: '{word}' is no instruction that can be given", hint=hint
            )
        if not rest.strip():
            raise InvalidInputError(f"change: '{text}': nothing follows {word.upper()}")
        change(made, rest.strip())
    return made


def _command(config: Config, key: str, text: str) -> None:
    listed = exec_form(text)
    config[key] = [*(config.get("Shell") or _SHELL), text] if listed is None else list(listed)


def exec_form(text: str) -> tuple[str, ...] | None:
    """The words of a JSON list of texts; ``None`` for anything else, which is then shell form."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return tuple(found) if all(isinstance(item, str) for item in found) else None


def _entrypoint(config: Config, text: str) -> None:
    _command(config, "Entrypoint", text)


def _cmd(config: Config, text: str) -> None:
    _command(config, "Cmd", text)


def _pairs(text: str, what: str) -> list[tuple[str, str]]:
    """``A=b C="d e"``, or the old form ``A the rest``."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise InvalidInputError(f"change: '{what} {text}': {error}") from None
    if "=" not in words[0]:
        first, _, rest = text.partition(" ")
        if not rest:
            raise InvalidInputError(f"change: '{what} {text}': there is no '='")
        return [(first, rest.strip())]
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidInputError(f"change: '{what} {text}': '{word}' is not NAME=VALUE")
        found.append((name, value))
    return found


def _env(config: Config, text: str) -> None:
    env = list(config.get("Env") or [])
    for name, value in _pairs(text, "ENV"):
        env = [item for item in env if not item.startswith(f"{name}=")]
        env.append(f"{name}={value}")
    config["Env"] = env


def _label(config: Config, text: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **dict(_pairs(text, "LABEL"))}


def _expose(config: Config, text: str) -> None:
    ports = dict(config.get("ExposedPorts") or {})
    for word in text.split():
        port, _, protocol = word.partition("/")
        if not all(part.isdigit() for part in port.split("-")):
            raise InvalidInputError(f"change: 'EXPOSE {text}': '{port}' is no port")
        ports[f"{port}/{protocol.lower() or 'tcp'}"] = {}
    config["ExposedPorts"] = ports


def _volume(config: Config, text: str) -> None:
    listed = exec_form(text)
    names = text.split() if listed is None else listed
    config["Volumes"] = {**(config.get("Volumes") or {}), **{name: {} for name in names}}


def _workdir(config: Config, text: str) -> None:
    config["WorkingDir"] = posixpath.normpath(
        posixpath.join("/", config.get("WorkingDir") or "", text)
    )


def _user(config: Config, text: str) -> None:
    config["User"] = text


def _stop_signal(config: Config, text: str) -> None:
    config["StopSignal"] = text


def _onbuild(config: Config, text: str) -> None:
    config["OnBuild"] = [*(config.get("OnBuild") or []), text]


_CHANGES: dict[str, Callable[[Config, str], None]] = {
    "CMD": _cmd,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
