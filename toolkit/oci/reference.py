"""Image references, normalised as Docker does: ``ubuntu`` is ``docker.io/library/ubuntu:latest``.

Source: distribution's reference grammar and the distribution specification, "Pulling
manifests".
"""

import re

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import record
from toolkit.oci.digest import Digest, parse_digest

DEFAULT_DOMAIN = "docker.io"
DEFAULT_TAG = "latest"
_OFFICIAL = "library/"
_LEGACY_DOMAIN = "index.docker.io"
_MAX_NAME = 255

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_LABEL = r"(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?", re.ASCII)
_ID = re.compile(r"[0-9a-f]{64}")


@record
class Reference:
    """A whole reference: where (``domain``), what (``path``), and which (``tag``, ``digest``)."""

    domain: str
    path: str
    tag: str = ""
    digest: Digest | None = None

    @property
    def name(self) -> str:
        """Domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The name as Docker shows it: without what it adds by itself."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        return self.path.removeprefix(_OFFICIAL)

    @property
    def familiar(self) -> str:
        """The whole reference as Docker shows it."""
        return self.familiar_name + self._suffix()

    def __str__(self) -> str:
        return self.name + self._suffix()

    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{tag}@{self.digest}" if self.digest else tag


def parse_reference(text: str) -> Reference:
    """The reference that ``text`` means; ``InvalidInputError`` says which part is wrong.

    A reference without tag and digest gets the tag ``latest``.
    """
    if "://" in text:
        rest = text.partition("://")[2]
        raise InvalidInputError(
            f"reference '{text}': an image's name has no scheme", hint=f"did you mean '{rest}'?"
        )
    rest, at, digest_text = text.partition("@")
    digest = parse_digest(digest_text, at=f"reference '{text}'") if at else None
    domain, path, tag = _split(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _fault(text, f"'{tag}' is no tag: letters, digits, '_', '.' and '-', at most 128")
    _check_name(text, domain, path)
    path = _official(domain, path)
    if len(domain) + 1 + len(path) > _MAX_NAME:
        raise _fault(text, f"the name is longer than {_MAX_NAME} characters")
    if not tag:
        tag = "" if digest else DEFAULT_TAG
    return Reference(domain=domain, path=path, tag=tag, digest=digest)


def expand(text: str) -> tuple[str, str, str]:
    """Domain, path and tag (may be empty) that ``text`` means, without checking any of them."""
    domain, path, tag = _split(text)
    return domain, _official(domain, path), tag or ""


def _split(text: str) -> tuple[str, str, str | None]:
    domain, path = _split_domain(text)
    return domain, *_split_tag(path)


def _official(domain: str, path: str) -> str:
    return _OFFICIAL + path if domain == DEFAULT_DOMAIN and "/" not in path else path


def _split_domain(text: str) -> tuple[str, str]:
    """The first part is a domain if it looks like one: with a dot, a port, or in upper case."""
    first, slash, rest = text.partition("/")
    is_domain = slash and (
        "." in first or ":" in first or first == "localhost" or first != first.lower()
    )
    if not is_domain:
        return DEFAULT_DOMAIN, text
    return (DEFAULT_DOMAIN if first == _LEGACY_DOMAIN else first), rest


def _split_tag(path: str) -> tuple[str, str | None]:
    name, colon, tag = path.rpartition(":")
    return (name, tag) if colon else (path, None)


def _check_name(text: str, domain: str, path: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise _fault(text, f"'{domain}' is no registry: expected HOST or HOST:PORT")
    if not path:
        raise _fault(text, "the name is empty")
    if domain == DEFAULT_DOMAIN and _ID.fullmatch(path):
        raise _fault(text, "a name of 64 hexadecimal digits would look like an image id")
    if path != path.lower():
        raise InvalidInputError(
            f"reference '{text}': the name must be in lower case",
            hint=f"did you mean '{path.lower()}'?",
        )
    for part in path.split("/"):
        if not _COMPONENT.fullmatch(part):
            raise _fault(
                text,
                f"'{part}' is no name: lower-case letters and digits,"
                " single '.', '_', '__' or dashes between them",
            )


def _fault(text: str, message: str) -> InvalidInputError:
    return InvalidInputError(f"reference '{text}': {message}")
