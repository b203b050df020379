"""One repository in one registry or its mirrors: manifests, blobs and tags."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from urllib3.exceptions import HTTPError

from toolkit.core.errors import NotFoundError, ToolkitError, UnavailableError
from toolkit.images.limits import MAX_JSON
from toolkit.images.registry.credentials import Credentials
from toolkit.images.registry.endpoints import Endpoint, Registries
from toolkit.images.registry.http import (
    MAX_ERROR,
    Body,
    Http,
    Request,
    Response,
    check_target,
    discard,
    no_answer,
    same_host,
)
from toolkit.images.registry.tokens import Authorizer
from toolkit.oci.digest import Digest, digest_of, parse_digest
from toolkit.oci.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from toolkit.oci.reference import Reference

ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST))
_AGENT = {"User-Agent": "dockyard"}
_MAX_PAGES = 10_000
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
OK, CREATED, ACCEPTED, NO_CONTENT, PARTIAL = 200, 201, 202, 204, 206


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A manifest as it came, and who gave it."""

    data: bytes
    media_type: str
    digest: Digest
    endpoint: Endpoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How registries are reached: where they are, with what, and what is told them."""

    registries: Registries
    http: Http
    authorizer: Authorizer

    @classmethod
    def of(
        cls, registries: Registries, credentials: Credentials, http: Http | None = None
    ) -> "Access":
        """The usual one."""
        http = http or Http()
        return cls(registries=registries, http=http, authorizer=Authorizer(http, credentials))


class Repository:
    """``path`` on one server; ``actions`` is the scope of its tokens."""

    def __init__(
        self, access: Access, endpoint: Endpoint, path: str, *, actions: str = "pull"
    ) -> None:
        self._access = access
        self.endpoint = endpoint
        self._path = path
        self._scopes = [f"repository:{path}:{actions}"]

    def also_pull(self, path: str) -> None:
        """Ask for the right to read another repository too: a mount needs it."""
        self._scopes.append(f"repository:{path}:pull")

    def manifest(self, wanted: str) -> Fetched:
        """The manifest of a tag or digest, as it is; its digest is verified."""
        answer = self.ask("GET", f"manifests/{wanted}", headers={"Accept": ACCEPT})
        with reading(self.endpoint, answer):
            if answer.status != OK:
                raise self.fault(answer, f"manifest '{self._path}:{wanted}'")
            data = read_bounded(answer, MAX_JSON, self.endpoint)
        promised = wanted if ":" in wanted else answer.headers.get("Docker-Content-Digest", "")
        digest = parse_digest(promised, at=self.endpoint.shown) if promised else digest_of(data)
        found = digest_of(data, algorithm=digest.algorithm)
        if found != digest:
            raise lies(self.endpoint, f"the manifest {digest} has the digest {found}")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return Fetched(data=data, media_type=kind, digest=digest, endpoint=self.endpoint)

    def blob(self, digest: Digest, *, offset: int = 0) -> tuple[Response, int]:
        """A blob's answer and the place in the blob where its body begins.

        A server that does not know ranges begins at 0 whatever was asked.
        """
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self.ask("GET", f"blobs/{digest}", headers=headers)
        if answer.status == OK:
            return answer, 0
        if answer.status == PARTIAL and offset:
            said = _RANGE.match(answer.headers.get("Content-Range", ""))
            if said and int(said[1]) == offset:
                return answer, offset
            answer.close()
            raise lies(self.endpoint, f"it was asked for bytes from {offset} on and sends others")
        with reading(self.endpoint, answer):
            raise self.fault(answer, f"blob {digest}")

    def has_blob(self, digest: Digest) -> bool:
        """Whether the registry has a blob."""
        answer = self.ask("HEAD", f"blobs/{digest}")
        with reading(self.endpoint, answer):
            if answer.status == OK:
                return True
            if answer.status == 404:
                return False
            raise self.fault(answer, f"blob {digest}")

    def tags(self) -> Iterator[str]:
        """Every tag, page by page."""
        url = "tags/list"
        for _ in range(_MAX_PAGES):
            answer = self.ask("GET", url)
            with reading(self.endpoint, answer):
                if answer.status != OK:
                    raise self.fault(answer, f"repository '{self._path}'")
                data = _json(read_bounded(answer, MAX_JSON, self.endpoint), self.endpoint)
            tags = data.get("tags") or []
            yield from (str(tag) for tag in tags)
            link = re.match(r"<([^>]+)>;\s*rel=\"?next", answer.headers.get("Link", ""))
            if not link:
                return
            url = urljoin(url, link[1])
        raise lies(self.endpoint, f"its list of tags has more than {_MAX_PAGES} pages")

    def ask(
        self,
        method: str,
        where: str,
        *,
        headers: dict[str, str] | None = None,
        body: Body | None = None,
        size: int | None = None,
    ) -> Response:
        """Send a request below the repository (or to an absolute URL), authorized as needed.

        Another host than the registry's own gets no credential, whatever it demands.
        """
        scope, url = " ".join(self._scopes), self._url(where)
        ours = same_host(self.endpoint.base, url)
        known = self._access.authorizer.header(self.endpoint, scope) if ours else {}
        request = Request(
            method=method,
            url=url,
            headers={**_AGENT, **(headers or {}), **known},
            body=body,
            size=size,
            again=method in ("GET", "HEAD", "PUT"),
        )
        answer = self._access.http.send(self.endpoint, request)
        if answer.status != 401 or not ours:
            return answer
        if known:
            self._access.authorizer.forget(self.endpoint, scope)
        fresh = self._access.authorizer.answer(self.endpoint, scope, answer)
        if not fresh:
            raise self._denied()
        again = replace(request, headers={**request.headers, **fresh})
        answer = self._access.http.send(self.endpoint, again)
        if answer.status == 401:
            discard(answer)
            raise self._denied()
        return answer

    def _url(self, where: str) -> str:
        if where.startswith(("http://", "https://")):
            check_target(self.endpoint, self.endpoint.base, where)
            return where
        if where.startswith("/"):
            return self.endpoint.base.partition("://")[0] + "://" + self.endpoint.host + where
        url = f"{self.endpoint.base}/{quote(self._path)}/{where}"
        if self.endpoint.namespace:
            url += f"{'&' if '?' in where else '?'}{urlencode({'ns': self.endpoint.namespace})}"
        return url

    def _denied(self) -> ToolkitError:
        host = self.endpoint.host
        return ToolkitError(
            f"registry '{self.endpoint.shown}' denies access to '{self._path}'",
            hint=f"log in with 'dockyard login {host}', or see whether the name is right",
        )

    def fault(self, answer: Response, what: str) -> ToolkitError:
        """What an answer's status and body say went wrong."""
        said = _said(answer)
        where = f"registry '{self.endpoint.shown}'"
        if answer.status == 404:
            return NotFoundError(f"{where} has no {what}{said}")
        if answer.status in (401, 403):
            return self._denied()
        if answer.status == 429:
            return UnavailableError(f"{where} refuses for now: too many requests{said}")
        if answer.status >= 500:
            return UnavailableError(f"{where} fails with status {answer.status}{said}")
        return ToolkitError(f"{where} answers {answer.status} for {what}{said}")


def repositories(
    access: Access, reference: Reference, capability: str, *, actions: str = "pull"
) -> list[Repository]:
    """The repository of a reference on each server that may be asked, in order."""
    found = access.registries.endpoints(reference.domain, capability)
    if not found:
        raise ToolkitError(
            f"no server of registry '{reference.domain}' may be asked to {capability}"
        )
    return [Repository(access, one, reference.path, actions=actions) for one in found]


@contextmanager
def reading(endpoint: Endpoint, answer: Response) -> Iterator[None]:
    """Read an answer inside; what breaks on the way is the server's fault, and all is closed."""
    try:
        yield
    except HTTPError as error:
        answer.close()
        raise no_answer(endpoint, error) from None
    except BaseException:
        answer.close()
        raise
    discard(answer)


def read_bounded(answer: Response, limit: int, endpoint: Endpoint) -> bytes:
    """A whole body; ``ToolkitError`` where it is longer than ``limit``."""
    parts, total = [], 0
    while data := answer.read(min(limit + 1, 1 << 18)):
        total += len(data)
        if total > limit:
            answer.close()
            raise lies(endpoint, f"an answer is longer than {limit} bytes")
        parts.append(data)
    return b"".join(parts)


class LyingError(ToolkitError):
    """A server cannot be believed; another one may do better."""

    def __init__(self, endpoint: Endpoint, what: str) -> None:
        super().__init__(
            f"registry '{endpoint.shown}' cannot be believed: {what}",
            hint="nothing of it was kept; whoever runs it has to look into it",
        )
        self.endpoint = endpoint


def lies(endpoint: Endpoint, what: str) -> LyingError:
    """That a registry cannot be believed."""
    return LyingError(endpoint, what)


def _said(answer: Response) -> str:
    """The message in an error's body, made fit for one line."""
    try:
        errors = json.loads(answer.read(MAX_ERROR))["errors"]
        texts = [str(one.get("message") or one.get("code")) for one in errors]
    except (ValueError, KeyError, TypeError, AttributeError, HTTPError):
        return ""
    text = "; ".join(texts)[:300]
    return f": {''.join(c for c in text if c.isprintable())}" if text else ""


def _json(data: bytes, endpoint: Endpoint) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise lies(endpoint, "an answer is no JSON object")
    return found
