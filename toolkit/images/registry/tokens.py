"""What to put into ``Authorization``: a registry's challenge, answered with what is known.

Source: distribution's "Token Authentication Specification" and RFC 7617. Tokens are kept until
they expire, one for each scope; a password goes only to the registry or, over TLS, to the
token server that it names.
"""

import json
import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from toolkit.core.errors import ToolkitError
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.endpoints import Endpoint, is_loopback
from toolkit.images.registry.http import MAX_ERROR, Http, Request, Response, discard

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))\s*,?\s*')
_EARLY = 10  # seconds before its end a token is no longer used
_MAX_TOKEN = 1024 * 1024


class Authorizer:
    """Answers the challenges of registries."""

    def __init__(self, http: Http, credentials: Credentials) -> None:
        self._http = http
        self._credentials = credentials
        self._known: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._fetching = threading.Lock()

    def header(self, endpoint: Endpoint, scope: str) -> dict[str, str]:
        """What worked before, if it still does."""
        with self._lock:
            value, until = self._known.get((endpoint.base, scope), ("", 0.0))
        return {"Authorization": value} if value and time.monotonic() < until else {}

    def answer(self, endpoint: Endpoint, scope: str, refused: Response) -> dict[str, str]:
        """A header that answers the challenge; empty where nothing is known that could."""
        challenges = refused.headers.getlist("WWW-Authenticate")
        discard(refused)
        with self._fetching:  # layers are asked for at once, and one token serves them all
            if found := self.header(endpoint, scope):
                return found
            value, seconds = self._value(endpoint, scope, challenges)
            if not value:
                return {}
            with self._lock:
                self._known[endpoint.base, scope] = (value, time.monotonic() + seconds)
        return {"Authorization": value}

    def forget(self, endpoint: Endpoint, scope: str) -> None:
        """Use a header no more, for it was refused."""
        with self._lock:
            self._known.pop((endpoint.base, scope), None)

    def _value(self, endpoint: Endpoint, scope: str, challenges: list[str]) -> tuple[str, float]:
        login = self._credentials.find(endpoint.host)
        for challenge in challenges:
            kind, _, rest = challenge.partition(" ")
            if kind.lower() == "bearer":
                if login and login.bearer:
                    return f"Bearer {login.bearer}", 3600.0
                return self._token(endpoint, scope, parameters(rest), login)
        for challenge in challenges:
            if challenge.partition(" ")[0].lower() == "basic" and login and login.username:
                return login.basic, 3600.0
        return "", 0.0

    def _token(
        self, endpoint: Endpoint, scope: str, said: Mapping[str, str], login: Login | None
    ) -> tuple[str, float]:
        realm = said.get("realm", "")
        _check_realm(endpoint, realm)
        asked = [("service", said["service"])] if "service" in said else []
        asked += [("scope", one) for one in (scope or said.get("scope", "")).split(" ") if one]
        server = Endpoint(
            base=realm, insecure=endpoint.insecure, ca=endpoint.ca, client=endpoint.client
        )
        if login and login.token:
            answer = self._http.send(server, _refresh(realm, asked, login))
        else:
            answer = self._http.send(server, _get(realm, asked, login))
        return _read_token(server, answer)


def parameters(text: str) -> dict[str, str]:
    """The parameters of a challenge (RFC 9110, 11.2)."""
    found = {}
    for match in _PARAMETER.finditer(text):
        quoted, bare = match[2], match[3]
        found[match[1].lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
    return found


def _get(realm: str, asked: list[tuple[str, str]], login: Login | None) -> Request:
    headers = {}
    if login and login.username:
        headers["Authorization"] = login.basic
        asked = [*asked, ("account", login.username)]
    mark = "&" if urlsplit(realm).query else "?"
    return Request(method="GET", url=f"{realm}{mark}{urlencode(asked)}", headers=headers)


def _refresh(realm: str, asked: list[tuple[str, str]], login: Login) -> Request:
    fields = [*_joined(asked), ("grant_type", "refresh_token"), ("client_id", "dockyard")]
    body = urlencode([*fields, ("refresh_token", login.token)]).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request(method="POST", url=realm, headers=headers, body=body)


def _joined(asked: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """OAuth has one scope, its parts with spaces between them."""
    scope = " ".join(value for name, value in asked if name == "scope")
    return [item for item in asked if item[0] != "scope"] + [("scope", scope)]


def _check_realm(endpoint: Endpoint, realm: str) -> None:
    parts = urlsplit(realm)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ToolkitError(
            f"registry '{endpoint.shown}' names no token server but '{realm[:200]}'",
            hint="its answer is broken: tell whoever runs it",
        )
    if parts.scheme == "http" and not (endpoint.insecure or is_loopback(parts.netloc)):
        raise ToolkitError(
            f"registry '{endpoint.shown}' names a token server without TLS: '{realm[:200]}'",
            hint="mark the registry insecure in engine.toml if it is to be trusted so",
        )


def _read_token(server: Endpoint, answer: Response) -> tuple[str, float]:
    if answer.status in (401, 403):
        discard(answer)
        raise ToolkitError(
            f"token server '{server.base}' refuses access", hint="log in with 'dockyard login'"
        )
    limit = _MAX_TOKEN if answer.status == 200 else MAX_ERROR
    data = answer.read(limit)
    answer.close()
    if answer.status != 200:
        raise ToolkitError(f"token server '{server.base}' answers {answer.status}")
    try:
        said: dict[str, Any] = json.loads(data)
        token = said.get("token") or said["access_token"]
        seconds = float(said.get("expires_in") or 60)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ToolkitError(f"token server '{server.base}' answers with no token") from None
    return f"Bearer {token}", max(seconds - _EARLY, 1.0)
