"""The flags of ``run`` and ``create``, and the container that they describe."""

import os

from toolkit.cli.containers.moreflags import MORE, NAMES
from toolkit.cli.verb import Flag
from toolkit.core.errors import InvalidInputError
from toolkit.core.record import as_dict
from toolkit.engine import values
from toolkit.engine.choices import parse_network
from toolkit.engine.config import ContainerConfig
from toolkit.engine.ports import parse_expose, parse_publish

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from toolkit.cli.terminal import Stdio, Typing
    from toolkit.cli.verb import Call

ENV = (
    Flag(names=("-e", "--env"), metavar="NAME[=VALUE]", many=True, help="Set a variable"),
    Flag(names=("--env-file",), metavar="FILE", many=True, help="Read variables from a file"),
)
STDIO = (
    Flag(names=("-i", "--interactive"), help="Hand stdin to the process"),
    Flag(names=("-t", "--tty"), help="Give the process a terminal"),
)
PROCESS = (
    *ENV,
    Flag(names=("-w", "--workdir"), metavar="DIR", help="Where the process starts"),
    Flag(names=("-u", "--user"), metavar="USER[:GROUP]", help="Whom it runs as: names or numbers"),
)
DETACH_KEYS = Flag(
    names=("--detach-keys",), metavar="KEYS", help="What leaves it running (ctrl-p,ctrl-q)"
)
SIG_PROXY = Flag(names=("--sig-proxy",), help="Pass signals on, unless it is false (true)")
FORMAT = Flag(
    names=("--format",),
    metavar="FORMAT",
    help="How to print it: table, table TEMPLATE, json or a Go template",
)
FORMAT_SHORT = Flag(
    names=("-f", "--format"),
    metavar="FORMAT",
    help="How to print it: json or a Go template",
)
CONTAINER = (
    *STDIO,
    *PROCESS,
    Flag(names=("--rm",), help="Remove the container when it has ended"),
    Flag(names=("--name",), metavar="NAME", help="Name the container"),
    Flag(names=("--rootfs",), metavar="DIR", help="Run from a directory, which is only read"),
    Flag(names=("--entrypoint",), metavar="PROGRAM", help="Replace the image's entrypoint"),
    Flag(
        names=("-v", "--volume"),
        metavar="[HOST|NAME:]CONTAINER[:OPTIONS]",
        many=True,
        help="Show a directory of the host, or a volume, inside; options: ro, rslave, nocopy",
    ),
    Flag(names=("--tmpfs",), metavar="DIR[:OPTIONS]", many=True, help="Mount memory there"),
    Flag(names=("--read-only",), help="Make the root file system read-only"),
    Flag(names=("-h", "--hostname"), metavar="NAME", help="Name the host inside"),
    Flag(
        names=("--net", "--network"),
        metavar="bridge|none|host|container:NAME|NETWORK",
        many=True,
        help="Which networks it is on (bridge)",
    ),
    Flag(
        names=("-p", "--publish"),
        metavar="[IP:]HOST:CONTAINER[/PROTOCOL]",
        many=True,
        help="Lead a port of the host to one of the container",
    ),
    Flag(names=("-P", "--publish-all"), help="Lead any port of the host to each that is exposed"),
    Flag(names=("--expose",), metavar="PORT[/PROTOCOL]", many=True, help="Name a port of its own"),
    Flag(names=("--ip",), metavar="ADDRESS", help="Its address on the network"),
    Flag(names=("--ip6",), metavar="ADDRESS", help="Its IPv6 address on the network"),
    Flag(
        names=("--net-alias", "--network-alias"),
        metavar="NAME",
        many=True,
        help="One more name on the network",
    ),
    Flag(names=("--link",), metavar="CONTAINER[:ALIAS]", many=True, help="Know another by name"),
    Flag(names=("--mac-address",), metavar="ADDRESS", help="Its hardware address"),
    Flag(names=("--add-host",), metavar="NAME:ADDRESS", many=True, help="Add to /etc/hosts"),
    Flag(names=("--dns",), metavar="ADDRESS", many=True, help="Whom it asks for names"),
    Flag(names=("--dns-search",), metavar="DOMAIN", many=True, help="Where it looks for names"),
    Flag(names=("--dns-option",), metavar="OPTION", many=True, help="How it asks for names"),
    Flag(names=("--pid",), metavar="host|container:NAME", help="Share a process table"),
    Flag(
        names=("--ipc",),
        metavar="private|shareable|none|host|container:NAME",
        help="Share, or do without, shared memory",
    ),
    Flag(names=("-m", "--memory"), metavar="SIZE", help="Limit memory, as in 64m"),
    Flag(names=("--memory-swap",), metavar="SIZE", help="Limit memory and swap; -1: no limit"),
    Flag(names=("--cpus",), metavar="NUMBER", help="Limit processor time, as in 0.5"),
    Flag(names=("-c", "--cpu-shares"), metavar="NUMBER", help="Weigh processor time (1024)"),
    Flag(names=("--cpuset-cpus",), metavar="LIST", help="Run on these processors, as in 0-3,6"),
    Flag(names=("--pids-limit",), metavar="NUMBER", help="Limit processes; -1: no limit"),
    Flag(names=("--cgroup-parent",), metavar="PATH", help="Make its cgroup below this one"),
    Flag(names=("--cap-add",), metavar="CAPABILITY", many=True, help="Grant one, or ALL"),
    Flag(names=("--cap-drop",), metavar="CAPABILITY", many=True, help="Take one away, or ALL"),
    Flag(names=("--privileged",), help="Grant all that the caller may grant"),
    Flag(
        names=("--security-opt",),
        metavar="OPTION",
        many=True,
        help="no-new-privileges, seccomp=unconfined|FILE, apparmor=NAME, systempaths=unconfined",
    ),
    Flag(names=("--stop-signal",), metavar="SIGNAL", help="What 'stop' sends first (TERM)"),
    Flag(names=("--stop-timeout",), metavar="SECONDS", help="How long 'stop' waits (10)"),
    Flag(names=("-l", "--label"), metavar="NAME[=VALUE]", many=True, help="Note something"),
    *MORE,
)
DETACH = Flag(names=("-d", "--detach"), help="Run in the background and print the id")


def container_config(
    call: "Call", environ: "Mapping[str, str]", *, network: str
) -> ContainerConfig:
    """The container that a command line asks for; ``network`` where it names none."""
    rootfs = call.text("rootfs")
    image, command = ("", call.args) if rootfs else (call.args[0], call.args[1:])
    quota, period = _cpus(call)
    entrypoint = (call.text("entrypoint"),) if "entrypoint" in call.values else None
    return ContainerConfig(
        image=image,
        rootfs=rootfs,
        command=command,
        entrypoint=entrypoint,
        name=call.text("name"),
        hostname=call.text("hostname"),
        env=environment(call, environ),
        workdir=call.text("workdir"),
        user=call.text("user"),
        **_networks(call, network),
        links=tuple(values.parse_link(text) for text in call.many("link")),
        expose=tuple(port for text in call.many("expose") for port in parse_expose(text)),
        publish_all=call.flag("publish-all"),
        ports=tuple(port for text in call.many("publish") for port in parse_publish(text)),
        add_hosts=tuple(values.parse_add_host(text) for text in call.many("add-host")),
        dns=tuple(values.parse_server(text) for text in call.many("dns")),
        dns_search=tuple(call.many("dns-search")),
        dns_options=tuple(call.many("dns-option")),
        pid=call.text("pid"),
        ipc=call.text("ipc"),
        memory=values.parse_size(call.text("memory", "0"), what="memory"),
        memory_swap=values.parse_swap(call.text("memory-swap", "0"), what="memory-swap"),
        cpu_shares=number(call, "cpu-shares"),
        cpuset_cpus=call.text("cpuset-cpus"),
        pids_limit=number(call, "pids-limit", least=-1),
        cap_add=tuple(call.many("cap-add")),
        cap_drop=tuple(call.many("cap-drop")),
        privileged=call.flag("privileged"),
        read_only=call.flag("read-only"),
        interactive=call.flag("interactive"),
        tty=call.flag("tty"),
        detach=call.flag("detach"),
        auto_remove=call.flag("rm"),
        stop_signal=_stop_signal(call.text("stop-signal")),
        stop_timeout=number(call, "stop-timeout", default=-1),
        labels=_labels(call),
        cgroup_parent=values.parse_cgroup_parent(call.text("cgroup-parent")),
        **{"cpu_quota": quota, "cpu_period": period, **_security(call), **_more(call)},
    )


def _more(call: "Call") -> "dict[str, Any]":
    """What few containers ask for."""
    found: dict[str, Any] = {}
    given = call.values.keys()
    if given & {"volume", "mount", "tmpfs"}:
        from toolkit.cli.containers.morevalues import mounts  # noqa: PLC0415 - few ask

        found |= mounts(call)
    if given & NAMES:
        from toolkit.cli.containers.morevalues import more  # noqa: PLC0415 - few ask

        found |= more(call)
    return found


def _labels(call: "Call") -> tuple[str, ...]:
    """Those of files first, so that the command line wins."""
    texts = call.many("label")
    if "label-file" in call.values:
        from toolkit.cli.containers.morevalues import labels_of  # noqa: PLC0415 - few ask

        texts = [*labels_of(call.many("label-file")), *texts]
    return tuple(values.parse_label(text) for text in texts)


def _networks(call: "Call", default: str) -> "dict[str, Any]":
    """The networks asked for; what single flags say is meant for the first."""
    first, *more = [parse_network(text) for text in call.many("network") or [default]]
    return {
        "network": first.network,
        "ip": call.text("ip") or first.ip,
        "ip6": call.text("ip6") or first.ip6,
        "mac_address": call.text("mac-address") or first.mac_address,
        "aliases": (*first.aliases, *call.many("network-alias")),
        "attach": tuple(more),
    }


def environment(call: "Call", environ: "Mapping[str, str]") -> tuple[str, ...]:
    """The variables asked for; those of files first, as Docker has it."""
    found: list[str] = []
    for path in call.many("env-file"):
        try:
            with open(path, encoding="utf-8") as file:
                found += values.parse_env_file(file, environ, at=path)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
            raise InvalidInputError(f"env-file '{path}': {reason}") from None
    for text in call.many("env"):
        value = values.parse_env(text, environ)
        if value is not None:
            found.append(value)
    return values.merge_env(found)


def number(call: "Call", key: str, *, least: int = 0, default: int = 0) -> int:
    """A flag's whole number."""
    text = call.text(key)
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise InvalidInputError(f"{key}: '{text}' is no whole number") from None
    if value < least:
        raise InvalidInputError(f"{key}: {value} is less than {least}")
    return value


def typing(call: "Call", stdio: "Stdio") -> "Typing | None":
    """How stdin reaches a terminal, where this process looks for the detach keys."""
    if stdio.feed < 0:
        return None
    from toolkit.cli.keys import DEFAULT_KEYS, parse_keys  # noqa: PLC0415 - only for terminals
    from toolkit.cli.terminal import Typing  # noqa: PLC0415 - as above

    return Typing(stdio, parse_keys(call.text("detach-keys", DEFAULT_KEYS)))


def truth(call: "Call", key: str, *, default: bool) -> bool:
    """A flag that is true or false, and has another default than false."""
    return call.flag(key) if key in call.values else default


def _cpus(call: "Call") -> tuple[int, int]:
    text = call.text("cpus")
    return values.parse_cpus(text, available=os.cpu_count() or 1) if text else (0, 0)


def _security(call: "Call") -> "dict[str, Any]":
    options = call.many("security-opt")
    if not options:
        return {}
    from toolkit.engine.asks import parse_security  # noqa: PLC0415 - few ask

    return as_dict(parse_security(options, read=_profile))


def _profile(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise InvalidInputError(f"security-opt: seccomp profile '{path}': {reason}") from None


def _stop_signal(text: str) -> str:
    if text:
        from toolkit.engine.signals import parse_signal  # noqa: PLC0415 - signal costs 5 ms

        parse_signal(text)
    return text
