"""``/etc/hosts``, ``hostname`` and ``resolv.conf``: private copies, so that writing to them inside
changes nothing outside.
"""

import os

from toolkit.core.record import record

NAMES = ("hosts", "hostname", "resolv.conf")
GATEWAY = "host-gateway"
"""Docker's word in ``--add-host`` for the host's address on the bridge."""

_HOSTS = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""
_BEGIN, _END = "# who else is there", "# end"
_RESOLVER = "/etc/resolv.conf"
_UPSTREAM = "/run/systemd/resolve/resolv.conf"  # what systemd-resolved itself asks
# Docker's choice for a container whose host names no server that it could reach.
_PUBLIC_SERVERS = ("8.8.8.8", "8.8.4.4")

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.engine.config import ContainerConfig


@record
class Place:
    """Where a container is on its networks.

    ``addresses`` are all of its own, ``gateway`` is the host's on the first network. ``server`` is
    whom it asks for names, empty for whomever the host asks. ``peers`` are lines for
    ``/etc/hosts`` of those that this server does not know.
    """

    addresses: tuple[str, ...]
    gateway: str
    server: str = ""
    peers: tuple[str, ...] = ()


@record
class Names:
    """What the files say; ``place`` is None without a bridge, and empty tuples mean the host's."""

    hostname: str
    host_network: bool = False
    place: Place | None = None
    add_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()


def write(directory: str, names: Names) -> tuple[tuple[str, str], ...]:
    """Write the three into ``directory``; (path inside, path outside) of each."""
    contents = {
        "hosts": hosts(names, _read("/etc/hosts") if names.host_network else _HOSTS),
        "hostname": f"{names.hostname}\n",
        "resolv.conf": resolver(names, _servers_file(names)),
    }
    for name, content in contents.items():
        _write(f"{directory}/{name}", content)
    return paths(directory)


def paths(directory: str) -> tuple[tuple[str, str], ...]:
    """(path inside, path outside) of each file."""
    return tuple((f"/etc/{name}", f"{directory}/{name}") for name in NAMES)


def hosts(names: Names, text: str) -> str:
    """``text``, what was asked to be added, and the container itself where it has an address."""
    lines = []
    for entry in names.add_hosts:
        name, _, address = entry.partition(":")
        if address == GATEWAY and names.place:
            address = names.place.gateway
        lines.append(f"{address}\t{name}\n")
    if names.place:
        lines += [f"{line}\n" for line in _own(names.hostname, names.place)]
        lines += _block(names.place.peers)
    return text + "".join(lines)


def _own(hostname: str, place: Place) -> list[str]:
    short = hostname.partition(".")[0]
    known = hostname if short == hostname else f"{hostname} {short}"
    return [f"{address}\t{known}" for address in place.addresses]


def _block(peers: "Sequence[str]") -> list[str]:
    """Lines that are written anew whenever others come and go."""
    return [f"{_BEGIN}\n", *(f"{peer}\n" for peer in peers), f"{_END}\n"] if peers else []


def tell(directory: str, peers: "Sequence[str]") -> None:
    """Write the peers of a container anew; all else in its file stays as it is."""
    lines = _without_block(_read(f"{directory}/hosts").splitlines(keepends=True))
    _write(f"{directory}/hosts", "".join((*lines, *_block(peers))))


def move(directory: str, config: "ContainerConfig", place: Place) -> None:
    """Write a running container's files anew that has other addresses now.

    What it wrote into its hosts file itself stays.
    """
    hostname = _read(f"{directory}/hostname").strip()
    lines = _without_block(_read(f"{directory}/hosts").splitlines(keepends=True))
    known = hostname.partition(".")[0]
    others = [line for line in lines if known not in line.split()[1:]]
    own = [f"{line}\n" for line in _own(hostname, place)]
    _write(f"{directory}/hosts", "".join((*others, *own, *_block(place.peers))))
    names = Names(
        hostname=hostname,
        place=place,
        dns=config.dns,
        dns_search=config.dns_search,
        dns_options=config.dns_options,
    )
    _write(f"{directory}/resolv.conf", resolver(names, _servers_file(names)))


def _without_block(lines: list[str]) -> list[str]:
    kept, inside = [], False
    for line in lines:
        inside = inside or line.strip() == _BEGIN
        if not inside:
            kept.append(line)
        inside = inside and line.strip() != _END
    return kept


def resolver(names: Names, text: str) -> str:
    """The host's ``resolv.conf`` with what was asked in its place.

    A loopback server is reachable only from the host's network.
    """
    dns = names.dns or ((names.place.server,) if names.place and names.place.server else ())
    asked = {"nameserver": dns, "search": names.dns_search, "options": names.dns_options}
    lines = [line for line in text.splitlines() if _is_kept(line, asked, names)]
    lines += [f"nameserver {server}" for server in dns]
    if names.dns_search and names.dns_search != (".",):
        lines.append(f"search {' '.join(names.dns_search)}")
    if names.dns_options:
        lines.append(f"options {' '.join(names.dns_options)}")
    if names.place and not any(line.split()[:1] == ["nameserver"] for line in lines):
        lines += [f"nameserver {server}" for server in _PUBLIC_SERVERS]
    return "".join(f"{line}\n" for line in lines)


def _is_kept(line: str, asked: "dict[str, tuple[str, ...]]", names: Names) -> bool:
    words = line.split()
    if not words:
        return True
    key = "search" if words[0] == "domain" else words[0]
    return not asked.get(key) and (names.host_network or not _is_loopback_server(words))


def _is_loopback_server(words: "list[str]") -> bool:
    return len(words) > 1 and words[0] == "nameserver" and words[1].startswith(("127.", "::1"))


def _servers_file(names: Names) -> str:
    """The host's file; of a host that asks only itself, what that asks."""
    text = _read(_RESOLVER)
    servers = [line.split() for line in text.splitlines() if line.startswith("nameserver")]
    if names.host_network or not servers or not all(_is_loopback_server(one) for one in servers):
        return text
    return _read(_UPSTREAM) or text


def _write(path: str, content: str) -> None:
    """In place: the container has this very file mounted."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    with open(fd, "wb") as file:
        file.write(content.encode(errors="surrogateescape"))
        os.fchmod(file.fileno(), 0o644)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
