"""``version``, ``info``, ``events``, and ``system`` with its ``df`` and ``prune``."""

import sys
import time

from toolkit.cli.containers.asking import FORCE, agreed
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT, FORMAT_SHORT
from toolkit.cli.containers.tables import human_size
from toolkit.cli.containers.volumed import tell_pruned
from toolkit.cli.images.naming import tell_removed
from toolkit.cli.images.opening import library_of
from toolkit.cli.templates.listing import Layout, documents, lines
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.engine.events import FILTER_KEYS, matches
from toolkit.engine.filters import parse_filters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from toolkit.engine.room import Room

_DF = Layout(
    columns=(
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    )
)
_FILTER = Flag(names=("--filter",), metavar="KEY=VALUE", many=True, help="Only some")
_PRUNED_BY = ("label", "label!", "until")
_NANO = 10**9


def _version(call: Call) -> int:
    told = _versions()
    if call.text("format"):
        for line in documents([told], call.text("format")):
            print(line)
        return 0
    client, server = told["Client"], told["Server"]
    print("Client:")
    for name in ("Version", "ApiVersion", "Os", "Arch"):
        print(f" {_TITLES[name]:<18}{client[name]}")
    print(f"\nServer: {server['Platform']['Name']}\n Engine:")
    for name in ("Version", "ApiVersion", "MinAPIVersion", "Os", "Arch", "KernelVersion"):
        print(f"  {_TITLES[name]:<17}{server[name]}")
    return 0


_TITLES = {
    "Version": "Version:",
    "ApiVersion": "API version:",
    "MinAPIVersion": "Minimum version:",
    "Os": "OS:",
    "Arch": "Architecture:",
    "KernelVersion": "Kernel:",
}


def _versions() -> "dict[str, Any]":
    """Client and server are one program here."""
    import os  # noqa: PLC0415 - the others need it not

    from toolkit.api.version import API, OLDEST, RELEASE, shown  # noqa: PLC0415 - as above
    from toolkit.engine.info import architecture  # noqa: PLC0415 - as above

    common = {
        "Version": RELEASE,
        "ApiVersion": shown(API),
        "Os": "linux",
        "Arch": architecture(),
    }
    server = {
        "Platform": {"Name": "Dockyard"},
        **common,
        "MinAPIVersion": shown(OLDEST),
        "KernelVersion": os.uname().release,
    }
    return {"Client": {**common, "DefaultAPIVersion": shown(API)}, "Server": server}


def _info(call: Call) -> int:
    from toolkit.api.version import RELEASE  # noqa: PLC0415 - as above
    from toolkit.engine.info import describe  # noqa: PLC0415 - as above

    images = len(library_of(call).all())
    with open_engine(call) as engine:
        told = describe(engine, release=RELEASE, images=images)
    if call.text("format"):
        for line in documents([told], call.text("format")):
            print(line)
        return 0
    print("Server:")
    print(f" Containers: {told['Containers']}")
    for state in ("Running", "Paused", "Stopped"):
        print(f"  {state}: {told[f'Containers{state}']}")
    for title, key in _INFO.items():
        print(f" {title}: {told[key]}")
    print(f" Total Memory: {human_size(told['MemTotal'])}")
    return 0


_INFO = {
    "Images": "Images",
    "Server Version": "ServerVersion",
    "Storage Driver": "Driver",
    "Logging Driver": "LoggingDriver",
    "Cgroup Driver": "CgroupDriver",
    "Cgroup Version": "CgroupVersion",
    "Default Runtime": "DefaultRuntime",
    "Kernel Version": "KernelVersion",
    "Operating System": "OperatingSystem",
    "OSType": "OSType",
    "Architecture": "Architecture",
    "CPUs": "NCPU",
    "Name": "Name",
    "Docker Root Dir": "DockerRootDir",
}


def _events(call: Call) -> int:
    from toolkit.engine.times import parse_moment  # noqa: PLC0415 - the others need it not

    filters = parse_filters(call.many("filter"), FILTER_KEYS)
    since, until = (
        parse_moment(call.text(key), what=key) if call.text(key) else None
        for key in ("since", "until")
    )
    with open_engine(call) as engine:
        found = engine.events.read(
            since=time.time() if since is None else since, until=until, going=lambda: True
        )
        for event in found:
            if matches(event, filters):
                print(_told(event, call.text("format")), flush=True)
    return 0


def _told(event: "dict[str, Any]", asked: str) -> str:
    actor = event["Actor"]
    if asked:
        fields = {
            "ID": event.get("id", ""),
            "Status": event.get("status", ""),
            "From": event.get("from", ""),
            "Type": event["Type"],
            "Action": event["Action"],
            "Actor": actor,
            "Scope": event["scope"],
            "Time": event["time"],
            "TimeNano": event["timeNano"],
        }
        return "\n".join(documents([event if asked == "json" else fields], asked))
    said = ", ".join(f"{name}={value}" for name, value in sorted(actor["Attributes"].items()))
    shown = f" ({said})" if said else ""
    return f"{_stamp(event['timeNano'])} {event['Type']} {event['Action']} {actor['ID']}{shown}"


def _stamp(nano: int) -> str:
    """Local time with nanoseconds: ``2024-05-06T07:08:09.000000001+02:00``."""
    from datetime import UTC, datetime  # noqa: PLC0415 - the others need it not

    seconds, rest = divmod(nano, _NANO)
    whole = datetime.fromtimestamp(seconds, UTC).astimezone().isoformat()
    return f"{whole[:19]}.{rest:09d}{whole[19:]}"


def _df(call: Call) -> int:
    from toolkit.engine.room import room  # noqa: PLC0415 - the others need it not

    with open_engine(call) as engine:
        found = room(engine, library_of(call))
    for line in lines(_DF, [_room(one) for one in found], call.text("format")):
        print(line)
    return 0


def _room(one: "Room") -> dict[str, object]:
    free = human_size(one.reclaimable)
    if one.size:
        free = f"{free} ({one.reclaimable * 100 // one.size}%)"
    return {
        "Type": one.kind,
        "TotalCount": one.total,
        "Active": one.active,
        "Size": human_size(one.size),
        "Reclaimable": free,
    }


def _prune(call: Call) -> int:
    from toolkit.engine import pruning  # noqa: PLC0415 - the others need it not
    from toolkit.images.pruning import prune as prune_images  # noqa: PLC0415 - as above

    filters = parse_filters(call.many("filter"), _PRUNED_BY)
    every, volumes = call.flag("all"), call.flag("volumes")
    if not agreed(call, _warning(every=every, volumes=volumes)):
        return 1
    freed = 0
    with open_engine(call) as engine:
        gone, size = pruning.prune(engine, filters)
        tell_pruned("Containers", gone)
        freed += size
        if volumes:
            chosen = {key: value for key, value in filters.items() if key != "until"}
            gone, size = engine.volumes.prune(chosen)
            tell_pruned("Volumes", gone)
            freed += size
        if not filters:
            tell_pruned("Networks", engine.network_desk.prune())
    done = prune_images(library_of(call), everything=every, filters=filters)
    if done.untagged or done.deleted:
        print("Deleted Images:")
        tell_removed(done.untagged, done.deleted)
        print()
    print(f"Total reclaimed space: {human_size(freed + done.bytes)}")
    return 0


def _warning(*, every: bool, volumes: bool) -> str:
    parts = [
        "all stopped containers",
        "all networks not used by at least one container",
        *(["all anonymous volumes not used by at least one container"] if volumes else []),
        "all images without at least one container associated to them"
        if every
        else "all dangling images",
    ]
    return "This will remove:\n" + "".join(f"  - {part}\n" for part in parts)


def _prune_containers(call: Call) -> int:
    from toolkit.engine.pruning import PRUNE_KEYS, prune  # noqa: PLC0415 - as above

    filters = parse_filters(call.many("filter"), PRUNE_KEYS)
    if not agreed(call, "This will remove all stopped containers."):
        return 1
    with open_engine(call) as engine:
        gone, freed = prune(engine, filters)
    tell_pruned("Containers", gone)
    print(f"Total reclaimed space: {human_size(freed)}")
    sys.stdout.flush()
    return 0


VERSION = Verb(
    name="version",
    usage="[FLAGS]",
    summary="Print the versions of this program and of the API that it speaks.",
    flags=(FORMAT_SHORT,),
    act=_version,
    least=0,
    most=0,
)
INFO = Verb(
    name="info",
    usage="[FLAGS]",
    summary="Print what this engine is, and what its machine.",
    flags=(FORMAT_SHORT,),
    act=_info,
    least=0,
    most=0,
)
EVENTS = Verb(
    name="events",
    usage="[FLAGS]",
    summary="Print what happens to containers, images, networks and volumes.",
    flags=(
        Flag(
            names=("-f", "--filter"),
            metavar="KEY=VALUE",
            many=True,
            help="Only those; as in type=container, event=die, container=web",
        ),
        FORMAT,
        Flag(names=("--since",), metavar="TIME", help="Begin there: a time, or 10m for ago"),
        Flag(names=("--until",), metavar="TIME", help="End there"),
    ),
    act=_events,
    least=0,
    most=0,
)
DF = Verb(
    name="system df",
    usage="[FLAGS]",
    summary="Show how much room images, containers and volumes take.",
    flags=(FORMAT,),
    act=_df,
    least=0,
    most=0,
)
PRUNE = Verb(
    name="system prune",
    usage="[FLAGS]",
    summary="Remove what nothing uses: containers, networks and images.",
    flags=(
        Flag(names=("-a", "--all"), help="All images that no container uses, not only nameless"),
        _FILTER,
        FORCE,
        Flag(names=("--volumes",), help="Anonymous volumes as well"),
    ),
    act=_prune,
    least=0,
    most=0,
)
CONTAINER_PRUNE = Verb(
    name="container prune",
    usage="[FLAGS]",
    summary="Remove all containers that do not run.",
    flags=(_FILTER, FORCE),
    act=_prune_containers,
    least=0,
    most=0,
)
