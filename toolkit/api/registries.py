"""Logins that come with a request: Docker's clients send them, this server keeps none."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError
from toolkit.images.registry.credentials import Credentials, Login, key_of

if TYPE_CHECKING:
    from toolkit.api.call import Call
    from toolkit.images.registry.client import Access

AUTH, CONFIG = "X-Registry-Auth", "X-Registry-Config"


class Given(Credentials):
    """Those of one request, by registry; the empty name stands for any."""

    def __init__(self, logins: Mapping[str, Login]) -> None:
        super().__init__("")
        self._logins = {key_of(host) if host else "": login for host, login in logins.items()}

    def find(self, host: str) -> Login | None:
        """The login of a registry."""
        return self._logins.get(key_of(host)) or self._logins.get("")


def access(call: "Call") -> "Access":
    """The registries, with the login of ``X-Registry-Auth`` or those of ``X-Registry-Config``."""
    logins: dict[str, Login] = {}
    if text := call.request.headers.get(CONFIG, ""):
        for host, data in _decoded(text, CONFIG).items():
            logins[host] = login(data if isinstance(data, dict) else {})
    if text := call.request.headers.get(AUTH, ""):
        data = _decoded(text, AUTH)
        found = login(data)
        if found != Login():
            logins[str(data.get("serveraddress") or "")] = found
    return call.service.access(Given(logins))


def login(data: Mapping[str, Any]) -> Login:
    """Docker's ``AuthConfig``."""
    name, password = str(data.get("username") or ""), str(data.get("password") or "")
    if packed := data.get("auth"):
        try:
            name, _, password = base64.b64decode(str(packed)).decode().partition(":")
        except ValueError:
            raise InvalidInputError("the login's 'auth' is no base64") from None
    return Login(
        username=name,
        password=password,
        token=str(data.get("identitytoken") or ""),
        bearer=str(data.get("registrytoken") or ""),
    )


def _decoded(text: str, header: str) -> dict[str, Any]:
    """Base64 for URLs, with or without its padding, of a JSON object."""
    try:
        data = json.loads(base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}"))
    except ValueError:
        raise InvalidInputError(f"{header} is no base64 of JSON") from None
    return data if isinstance(data, dict) else {}
