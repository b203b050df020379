"""Where a registry answers: its mirrors in order, then itself, and how far each is trusted.

Two sources, the engine's own file first: ``[registries."HOST"]`` of ``engine.toml``, given here
as data, and containerd's ``certs.d/HOST/hosts.toml``. Source: containerd's docs/hosts.md;
moby's daemon, "Insecure registries", for what loopback may do.
"""

import ipaddress
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from toolkit.core.errors import InvalidInputError
from toolkit.core.suggest import did_you_mean
from toolkit.oci.reference import DEFAULT_DOMAIN

CERTS_D = "/etc/containerd/certs.d"
_HUB = f"registry-1.{DEFAULT_DOMAIN}"
_ALL = ("pull", "resolve", "push")
_OWN = ("mirrors", "insecure", "ca")
_OWN_MIRROR = ("url", "insecure", "ca", "override_path")
_HOST = ("capabilities", "ca", "client", "skip_verify", "override_path", "header", "dial_timeout")


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One server: ``base`` is its URL up to and with ``/v2``.

    ``insecure``: its certificate is not checked, and plain HTTP will do; so it is on loopback
    where no ``ca`` is given. ``ca``: files beside the
    system's own authorities. ``client``: certificate and key files. ``namespace``: the registry
    that a mirror stands for, empty for the registry itself.
    """

    base: str
    insecure: bool = False
    ca: tuple[str, ...] = ()
    client: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = _ALL
    namespace: str = ""

    @property
    def host(self) -> str:
        """Host and port, as credentials are filed."""
        return urlsplit(self.base).netloc

    @property
    def shown(self) -> str:
        """How messages name it."""
        return self.base.removesuffix("/v2")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registries:
    """What is known of registries; ``own`` is the table ``registries`` of ``engine.toml``."""

    own: Mapping[str, Any] = field(default_factory=dict)
    at: str = "engine.toml"
    certs_d: str = CERTS_D

    def check(self) -> None:
        """Refuse unknown keys and values of the wrong kind, with their place."""
        for domain in self.own:
            list(self._from_own(domain))

    def endpoints(self, domain: str, capability: str) -> list[Endpoint]:
        """The servers to ask for ``pull``, ``resolve`` or ``push``, in order."""
        if domain in self.own:
            found = list(self._from_own(domain))
        else:
            found = list(self._from_certs_d(domain)) or [registry(domain)]
        return [one for one in found if capability in one.capabilities]

    def _from_own(self, domain: str) -> Iterator[Endpoint]:
        at = f'{self.at}: registries."{domain}"'
        table = _table(self.own[domain], at, _OWN)
        for place, mirror in enumerate(_list(table.get("mirrors", []), f"{at}.mirrors")):
            yield _own_mirror(mirror, domain, f"{at}.mirrors[{place}]")
        itself = registry(domain)
        ca = _files(table.get("ca", ()), f"{at}.ca")
        insecure = _flag(table, "insecure", at) or (itself.insecure and not ca)
        yield Endpoint(base=itself.base, insecure=insecure, ca=ca)

    def _from_certs_d(self, domain: str) -> Iterator[Endpoint]:
        for name in (domain, domain.replace(":", "_") + "_" if ":" in domain else "", "_default"):
            path = os.path.join(self.certs_d, name, "hosts.toml")
            if not name or not os.path.exists(path):
                continue
            yield from _hosts_toml(path, domain)
            return


def registry(domain: str) -> Endpoint:
    """The registry of a domain, with Docker's defaults."""
    host = _HUB if domain == DEFAULT_DOMAIN else domain
    return Endpoint(base=f"https://{host}/v2", insecure=is_loopback(host))


def is_loopback(host: str) -> bool:
    """Whether ``host`` (and port) is this machine, which Docker trusts without TLS."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _own_mirror(data: object, domain: str, at: str) -> Endpoint:
    table = {"url": data} if isinstance(data, str) else _table(data, at, _OWN_MIRROR)
    base = _base(table.get("url"), at, override=_flag(table, "override_path", at))
    ca = _files(table.get("ca", ()), f"{at}.ca")
    return Endpoint(
        base=base,
        insecure=_flag(table, "insecure", at) or (_may_be_plain(base) and not ca),
        ca=ca,
        capabilities=("pull", "resolve"),
        namespace=domain,
    )


def _hosts_toml(path: str, domain: str) -> Iterator[Endpoint]:
    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{path}: {error}") from None
    hosts = _table(data.pop("host", {}), f"{path}: host", None)
    server = data.pop("server", "")
    folder = os.path.dirname(path)
    for url, table in hosts.items():
        yield _from_host(url, _table(table, f'{path}: host."{url}"', _HOST), folder, domain)
    url = server or registry(domain).base.removesuffix("/v2")
    yield _from_host(url, _table(data, path, _HOST), folder, "")


def _from_host(url: str, table: Mapping[str, Any], folder: str, namespace: str) -> Endpoint:
    at = f"{folder}/hosts.toml: '{url}'"
    if "://" not in url:
        url = f"http://{url}" if is_loopback(url) else f"https://{url}"
    base = _base(url, at, override=_flag(table, "override_path", at))
    headers = _table(table.get("header", {}), f"{at}.header", None)
    ca = _files(table.get("ca", ()), f"{at}.ca", folder)
    return Endpoint(
        base=base,
        insecure=_flag(table, "skip_verify", at) or (_may_be_plain(base) and not ca),
        ca=ca,
        client=_client(table.get("client", ()), f"{at}.client", folder),
        headers=tuple(
            (name, text) for name, value in headers.items() for text in _texts(value, at)
        ),
        capabilities=_texts(table.get("capabilities", _ALL), f"{at}.capabilities"),
        namespace=namespace,
    )


def _may_be_plain(base: str) -> bool:
    return base.startswith("http:") or is_loopback(urlsplit(base).netloc)


def _base(url: object, at: str, *, override: bool) -> str:
    if not isinstance(url, str):
        raise InvalidInputError(f"{at}: expected a URL, not {url!r}")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.username:
        raise InvalidInputError(
            f"{at}: '{url}' is no registry's URL",
            hint="for example https://mirror.example.org:5000",
        )
    path = parts.path.rstrip("/")
    if not override and not path.endswith("/v2"):
        path += "/v2"
    return f"{parts.scheme}://{parts.netloc}{path}"


def _table(data: object, at: str, known: tuple[str, ...] | None) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise InvalidInputError(f"{at}: expected a table, not {data!r}")
    for key in data if known is not None else ():
        if key not in (known or ()):
            raise InvalidInputError(f"{at}.{key}: unknown key", hint=did_you_mean(key, known or ()))
    return data


def _list(data: object, at: str) -> list[Any]:
    if not isinstance(data, list):
        raise InvalidInputError(f"{at}: expected a list, not {data!r}")
    return data


def _texts(data: object, at: str) -> tuple[str, ...]:
    """A text, or a list of them."""
    found = (data,) if isinstance(data, str) else data
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise InvalidInputError(f"{at}: expected text or a list of texts, not {data!r}")
    return tuple(found)


def _flag(table: Mapping[str, Any], key: str, at: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInputError(f"{at}.{key}: expected true or false, not {value!r}")
    return value


def _files(data: object, at: str, folder: str = "") -> tuple[str, ...]:
    found = tuple(os.path.join(folder, name) for name in _texts(data, at))
    for name in found:
        if not os.path.exists(name):
            raise InvalidInputError(f"{at}: no file '{name}'")
    return found


def _client(data: object, at: str, folder: str) -> tuple[tuple[str, str], ...]:
    """Certificate and key: one file for both, or pairs of them."""
    if isinstance(data, str):
        data = [data]
    pairs = [(item, item) if isinstance(item, str) else tuple(item) for item in _list_of(data, at)]
    checked = []
    for pair in pairs:
        files = _files(tuple(name for name in pair if name), at, folder)
        checked.append((files[0], files[-1]))
    return tuple(checked)


def _list_of(data: object, at: str) -> list[Any]:
    return _list(list(data) if isinstance(data, tuple) else data, at)
