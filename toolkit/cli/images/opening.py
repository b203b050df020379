"""Opens the images and the registries that a command line means."""

import os

from toolkit.cli.containers.opening import settings_of
from toolkit.cli.settings import load_registries
from toolkit.images.library import Library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.cli.verb import Call
    from toolkit.images.registry.client import Access
    from toolkit.images.registry.credentials import Credentials


def library_of(call: "Call") -> Library:
    """The images of the data root that is meant."""
    return Library(settings_of(call).data_root)


def credentials() -> "Credentials":
    """Docker's logins of whoever calls."""
    from toolkit.images.registry.credentials import Credentials  # noqa: PLC0415 - few need them

    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return Credentials(os.path.join(folder, "config.json"))


def access() -> "Access":
    """The registries: where they are, what they are told, by which proxy."""
    from toolkit.images.registry.client import Access  # noqa: PLC0415 - as above
    from toolkit.images.registry.http import Http  # noqa: PLC0415 - as above

    http = Http(proxy=lambda url: proxy_of(url, os.environ))
    return Access.of(load_registries(), credentials(), http)


def proxy_of(url: str, environ: "Mapping[str, str]") -> str:
    """The proxy that the environment names for a URL; empty for none."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - as above

    parts = urlsplit(url)
    names = (f"{parts.scheme}_proxy", f"{parts.scheme}_proxy".upper())
    found = next((environ[name] for name in names if environ.get(name)), "")
    excluded = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    host = parts.hostname or ""
    if not found or host in ("localhost", "127.0.0.1", "::1"):
        return ""
    return "" if any(_covers(word, host, parts.netloc) for word in excluded.split(",")) else found


def _covers(word: str, host: str, netloc: str) -> bool:
    """Whether an entry of ``NO_PROXY`` means a host: itself, a domain above it, or all."""
    word = word.strip().removeprefix("*.").removeprefix(".")
    return bool(word) and (word in ("*", host, netloc) or host.endswith(f".{word}"))
