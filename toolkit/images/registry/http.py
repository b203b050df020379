"""HTTP to one registry: connections, redirects, retries and bounded answers.

A redirect is followed by hand: to http or https only, never down from https to http. Whatever way a
request comes to another host than its registry's, by a redirect or because the registry named it in
``Location`` or ``Link``, it has no ``Authorization`` header there (CVE-2020-15157).
"""

import email.utils
import logging
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    SSLError,
)

from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.images.registry.endpoints import Endpoint

_LOG = logging.getLogger(__name__)
urllib3.disable_warnings(InsecureRequestWarning)  # whoever marked a registry insecure knows it
_TIMEOUT = urllib3.Timeout(connect=10, read=60)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_MAX_HOPS = 5
_MAX_PAUSE = 60.0
MAX_ERROR = 64 * 1024

Body = bytes | Callable[[], IO[bytes]]  # what can be sent again
Response = urllib3.BaseHTTPResponse


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request; ``idempotent`` ones are sent again after a failure."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Body | None = None
    size: int | None = None
    again: bool = True


class Http:
    """Connections to the servers of registries, kept for the next request.

    ``attempts`` bounds the tries of one request; ``sleep`` waits between them; ``proxy`` gives
    the proxy for a URL, or an empty text.
    """

    def __init__(
        self,
        *,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        proxy: Callable[[str], str] = lambda url: "",
    ) -> None:
        self._attempts = attempts
        self._sleep = sleep
        self._proxy = proxy
        self._pools: dict[object, urllib3.PoolManager] = {}
        self._lock = threading.Lock()
        self._plain: set[str] = set()

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.clear()

    def send(self, endpoint: Endpoint, request: Request) -> Response:
        """The answer, whatever its status but one that a retry may better; not read yet.

        ``UnavailableError`` where the server does not answer, or goes on refusing.
        """
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                answer = self._follow(endpoint, request)
            except HTTPError as error:
                if last or not request.again or isinstance(error, _HOPELESS):
                    raise no_answer(endpoint, error) from None
                _LOG.info("%s: %s; trying again", endpoint.shown, error)
                self._sleep(_pause(attempt))
                continue
            if answer.status not in _AGAIN or last or not request.again:
                return answer
            pause = _retry_after(answer) or _pause(attempt)
            if pause > _MAX_PAUSE:
                return answer
            _LOG.info("%s answers %s; trying again", endpoint.shown, answer.status)
            discard(answer)
            self._sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _follow(self, endpoint: Endpoint, request: Request) -> Response:
        hop = replace(request, headers={**dict(endpoint.headers), **request.headers})
        if not same_host(endpoint.base, request.url):
            hop = replace(hop, headers=_harmless(hop.headers))
        for _ in range(_MAX_HOPS):
            answer = self._once(endpoint, hop)
            if answer.status not in _REDIRECTS or hop.method not in ("GET", "HEAD"):
                return answer
            target = urljoin(hop.url, answer.headers.get("Location", ""))
            discard(answer)
            check_target(endpoint, hop.url, target)
            stays = same_host(hop.url, target)
            headers = hop.headers if stays else _harmless(hop.headers)
            hop = replace(hop, url=target, headers=headers)
        raise ToolkitError(f"registry '{endpoint.shown}' redirects more than {_MAX_HOPS} times")

    def _once(self, endpoint: Endpoint, request: Request) -> Response:
        plain = replace(request, url=_plain(request.url))
        if endpoint.base in self._plain and request.url.startswith(endpoint.base):
            return self._open(endpoint, plain)
        try:
            return self._open(endpoint, request)
        except SSLError:
            if not endpoint.insecure or not request.url.startswith(endpoint.base):
                raise
            answer = self._open(endpoint, plain)
            self._plain.add(endpoint.base)
            return answer

    def _open(self, endpoint: Endpoint, request: Request) -> Response:
        body = request.body() if callable(request.body) else request.body
        headers = request.headers
        if request.size is not None:
            headers = {**headers, "Content-Length": str(request.size)}
        try:
            return self._pool(endpoint, request.url).urlopen(
                request.method,
                request.url,
                headers=headers,
                body=body,
                redirect=False,
                retries=False,
                timeout=_TIMEOUT,
                preload_content=False,
                decode_content=False,
            )
        finally:
            if body is not None and not isinstance(body, bytes):
                body.close()

    def _pool(self, endpoint: Endpoint, url: str) -> urllib3.PoolManager:
        proxy = self._proxy(url)
        key = (proxy, endpoint.insecure, endpoint.ca, endpoint.client)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                options: dict[str, Any] = {
                    "num_pools": 8,
                    "maxsize": 8,
                    "ssl_context": _context(endpoint),
                    "assert_hostname": False if endpoint.insecure else None,
                }
                pool = (
                    urllib3.ProxyManager(proxy, **options)
                    if proxy
                    else urllib3.PoolManager(**options)
                )
                self._pools[key] = pool
        return pool


_HOPELESS = (SSLError, NewConnectionError, ConnectTimeoutError)  # another server may do better
_HARMLESS = frozenset({"accept", "content-range", "content-type", "range", "user-agent"})
_PORTS = {"http": 80, "https": 443}


def _harmless(headers: Mapping[str, str]) -> dict[str, str]:
    """What a host that nobody logged in to may be told."""
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


def same_host(one: str, other: str) -> bool:
    """Whether two URLs lead to one host and port; http and https have each a port of their own.

    On a registry that may be spoken to without TLS, ``https://host:5000`` and ``http://host:5000``
    are the same; ``check_target`` has refused the way down for all others.
    """
    return _host_of(one) == _host_of(other)


def _host_of(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for path in endpoint.ca:
        context.load_verify_locations(path)
    for certificate, key in endpoint.client:
        context.load_cert_chain(certificate, key)
    return context


def _plain(url: str) -> str:
    return f"http:{url.removeprefix('https:')}" if url.startswith("https:") else url


def check_target(endpoint: Endpoint, url: str, target: str) -> None:
    """Refuse to go from ``url`` where a registry must not lead: ``ToolkitError``."""
    scheme = urlsplit(target).scheme
    if scheme not in ("http", "https") or not urlsplit(target).netloc:
        raise ToolkitError(
            f"registry '{endpoint.shown}' redirects to '{target[:200]}'",
            hint="only http and https are followed",
        )
    if scheme == "http" and url.startswith("https:") and not endpoint.insecure:
        raise ToolkitError(
            f"registry '{endpoint.shown}' redirects from https to '{target[:200]}'",
            hint="mark it insecure in engine.toml if it is to be trusted so",
        )


def _pause(attempt: int) -> float:
    """Twice as long each time, and never the same for all who wait."""
    return float(min(0.25 * 2**attempt, 10.0) * (0.5 + random.random()))  # noqa: S311 - no secret


def _retry_after(answer: Response) -> float:
    """What a server asks to wait: seconds or a date (RFC 9110, 10.2.3); 0 for nothing."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0.0


def discard(answer: Response) -> None:
    """Let an answer go; its connection is kept only where little is left to read."""
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) <= MAX_ERROR:
        answer.drain_conn()
        answer.release_conn()
    else:
        answer.close()


def no_answer(endpoint: Endpoint, error: Exception) -> UnavailableError:
    """That a server could not be reached, with the reason that lies deepest."""
    reason: BaseException = error
    while isinstance(inner := getattr(reason, "reason", None), BaseException):
        reason = inner
    hint = ""
    if isinstance(error, SSLError) or isinstance(reason, ssl.SSLError):
        hint = "give its authority as 'ca' in engine.toml, or mark the registry insecure"
    text = re.sub(r"^\S+\(host=[^)]*\): |^<[^>]*>: ", "", str(reason))
    return UnavailableError(f"registry '{endpoint.shown}' does not answer: {text}", hint=hint)
