"""``/etc/hosts``, ``hostname`` and ``resolv.conf``: private copies, so that writing to them inside
changes nothing outside.
"""

import os

NAMES = ("hosts", "hostname", "resolv.conf")

_HOSTS = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def write(directory: str, *, hostname: str, host_network: bool) -> tuple[tuple[str, str], ...]:
    """Write the three into ``directory``; (path inside, path outside) of each."""
    contents = {
        "hosts": _read("/etc/hosts") if host_network else _HOSTS,
        "hostname": f"{hostname}\n",
        "resolv.conf": resolver(_read("/etc/resolv.conf"), host_network=host_network),
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


def resolver(text: str, *, host_network: bool) -> str:
    """The host's ``resolv.conf``; a loopback server is reachable only from the host's network."""
    if host_network:
        return text
    kept = [line for line in text.splitlines() if not _is_loopback_server(line)]
    return "".join(f"{line}\n" for line in kept)


def _is_loopback_server(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0] == "nameserver" and words[1].startswith(("127.", "::1"))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""
