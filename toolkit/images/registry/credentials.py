"""Names and passwords of registries: Docker's ``config.json`` and its credential helpers.

Source: the docker login reference, "Credential stores", and docker-credential-helpers'
protocol: one verb as the argument, a server's name on stdin, JSON on stdout.
"""

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import Any

from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.core.files import write_atomic
from toolkit.oci.reference import DEFAULT_DOMAIN

_HUB_KEY = f"https://index.{DEFAULT_DOMAIN}/v1/"
_HUB_HOSTS = (DEFAULT_DOMAIN, f"index.{DEFAULT_DOMAIN}", f"registry-1.{DEFAULT_DOMAIN}")
_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """What one registry is told; ``repr`` shows no secret. ``token`` is an identity token."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an ``Authorization`` header."""
        both = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(both).decode()}"


class Credentials:
    """Those in one ``config.json``; a file that is not there holds none."""

    def __init__(self, path: str) -> None:
        self._path = path

    def find(self, host: str) -> Login | None:
        """The login of a registry, by host and port."""
        data = self._read()
        key = key_of(host)
        if helper := self._helper(data, key):
            return _from_helper(helper, key)
        for name, entry in _auths(data).items():
            if key_of(name) == key and isinstance(entry, dict):
                return self._decode(entry, name)
        return None

    def store(self, host: str, login: Login) -> str:
        """Keep a login; where it went: a file, or a helper's name."""
        data = self._read()
        key = key_of(host)
        if helper := self._helper(data, key):
            secret = login.token or login.password
            user = "<token>" if login.token else login.username
            said = {"ServerURL": key, "Username": user, "Secret": secret}
            _run_helper(helper, "store", json.dumps(said))
            data.setdefault("auths", {})[key] = {}
            self._write(data)
            return f"credential helper '{helper}'"
        both = f"{login.username}:{login.password}".encode()
        entry = {"auth": base64.b64encode(both).decode()}
        if login.token:
            entry["identitytoken"] = login.token
        data.setdefault("auths", {})[key] = entry
        self._write(data)
        return f"'{self._path}'"

    def forget(self, host: str) -> bool:
        """Remove a login; whether there was one."""
        data = self._read()
        key = key_of(host)
        found = [name for name in _auths(data) if key_of(name) == key]
        if helper := self._helper(data, key):
            _run_helper(helper, "erase", key)
        for name in found:
            del data["auths"][name]
        if found:
            self._write(data)
        return bool(found)

    def _helper(self, data: dict[str, Any], key: str) -> str:
        """The helper that is responsible for a registry; empty for the file itself."""
        helpers = data.get("credHelpers") or {}
        if not isinstance(helpers, dict):
            raise InvalidInputError(f"{self._path}: credHelpers: expected an object")
        for name, helper in helpers.items():
            if key_of(name) == key:
                return str(helper)
        return str(data.get("credsStore") or "")

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._path, "rb") as file:
                data = json.load(file)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except ValueError as error:
            raise InvalidInputError(f"{self._path}: no valid JSON: {error}") from None
        if not isinstance(data, dict):
            raise InvalidInputError(f"{self._path}: expected an object")
        return data

    def _write(self, data: dict[str, Any]) -> None:
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        write_atomic(self._path, json.dumps(data, indent="\t").encode() + b"\n", mode=0o600)

    def _decode(self, entry: dict[str, Any], name: str) -> Login:
        username, password = str(entry.get("username", "")), str(entry.get("password", ""))
        if packed := entry.get("auth"):
            try:
                text = base64.b64decode(packed, validate=True).decode()
            except (ValueError, TypeError):  # binascii.Error is a ValueError
                raise InvalidInputError(
                    f"{self._path}: auths.{name}.auth: not base64", hint="log in again"
                ) from None
            username, _, password = text.rstrip("\0").partition(":")
        return Login(
            username=username,
            password=password,
            token=str(entry.get("identitytoken", "")),
            bearer=str(entry.get("registrytoken", "")),
        )


def key_of(host: str) -> str:
    """How Docker files a registry: host and port, and a URL of old for its own."""
    bare = host.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return _HUB_KEY if bare in _HUB_HOSTS else bare


def _auths(data: dict[str, Any]) -> dict[str, Any]:
    found = data.get("auths")
    return found if isinstance(found, dict) else {}


def _from_helper(helper: str, key: str) -> Login | None:
    said = _run_helper(helper, "get", key)
    if said is None:
        return None
    try:
        data = json.loads(said)
        username, secret = str(data["Username"]), str(data["Secret"])
    except (ValueError, KeyError, TypeError):
        raise ToolkitError(f"credential helper '{helper}' answered with no credentials") from None
    if username == "<token>":
        return Login(token=secret)
    return Login(username=username, password=secret)


def _run_helper(helper: str, verb: str, said: str) -> str | None:
    """What a helper answers; ``None`` where it knows nothing of that registry."""
    if "/" in helper:
        raise InvalidInputError(f"'{helper}' is no name of a credential helper")
    argv = (f"docker-credential-{helper}", verb)
    try:
        done = subprocess.run(
            argv, input=said.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError:
        raise ToolkitError(
            f"credential helper '{argv[0]}' is not installed",
            hint="install it, or take it out of Docker's config.json",
        ) from None
    except subprocess.TimeoutExpired:
        raise ToolkitError(f"credential helper '{argv[0]}' does not answer") from None
    if not done.returncode:
        return done.stdout.decode(errors="replace")
    told = (done.stdout or done.stderr).decode(errors="replace").strip()
    if verb in ("get", "erase") and "not found" in told:
        return None
    raise ToolkitError(f"credential helper '{argv[0]}' failed: {told[:200]}")
