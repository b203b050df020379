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
_RESOLVER = "/etc/resolv.conf"
_UPSTREAM = "/run/systemd/resolve/resolv.conf"  # what systemd-resolved itself asks
# Docker's choice for a container whose host names no server that it could reach.
_PUBLIC_SERVERS = ("8.8.8.8", "8.8.4.4")


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
        fd = os.open(f"{directory}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with open(fd, "wb") as file:
            file.write(content.encode(errors="surrogateescape"))
            os.fchmod(file.fileno(), 0o644)
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
        short = names.hostname.partition(".")[0]
        known = names.hostname if short == names.hostname else f"{names.hostname} {short}"
        lines += [f"{address}\t{known}\n" for address in names.place.addresses]
    return text + "".join(lines)


def resolver(names: Names, text: str) -> str:
    """The host's ``resolv.conf`` with what was asked in its place.

    A loopback server is reachable only from the host's network.
    """
    asked = {"nameserver": names.dns, "search": names.dns_search, "options": names.dns_options}
    lines = [line for line in text.splitlines() if _is_kept(line, asked, names)]
    lines += [f"nameserver {server}" for server in names.dns]
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


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
