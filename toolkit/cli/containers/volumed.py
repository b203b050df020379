"""``volume`` with its ``create ls inspect rm prune``."""

from toolkit.cli.containers.asking import FORCE, agreed
from toolkit.cli.containers.opening import open_engine
from toolkit.cli.containers.options import FORMAT, FORMAT_SHORT
from toolkit.cli.containers.tables import human_size
from toolkit.cli.templates.listing import Layout, documents, lines
from toolkit.cli.verb import Call, Flag, Verb, complain, each
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.engine.filters import parse_filters
from toolkit.engine.volumes import FILTER_KEYS, PRUNE_KEYS
from toolkit.engine.volumeshown import document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.volumes import Volume

LAYOUT = Layout(
    columns=(("Driver", "DRIVER"), ("Name", "VOLUME NAME")),
    more=(
        ("Availability", "AVAILABILITY"),
        ("Group", "GROUP"),
        ("Labels", "LABELS"),
        ("Links", "LINKS"),
        ("Mountpoint", "MOUNTPOINT"),
        ("Scope", "SCOPE"),
        ("Size", "SIZE"),
        ("Status", "STATUS"),
    ),
    raw="name: {{.Name}}\ndriver: {{.Driver}}\n",
)
_UNKNOWN = "N/A"


def row(volume: "Volume") -> dict[str, object]:
    """The fields of one volume."""
    return {
        "Driver": volume.driver,
        "Name": volume.name,
        "Scope": "local",
        "Mountpoint": volume.path,
        "Labels": ",".join(f"{name}={value}" for name, value in volume.labels.items()),
        "Label": lambda name: volume.labels.get(name, ""),
        "Links": _UNKNOWN,
        "Size": _UNKNOWN,
        "Availability": _UNKNOWN,
        "Group": _UNKNOWN,
        "Status": _UNKNOWN,
    }


def _create(call: Call) -> int:
    name = call.text("name")
    if name and call.args:
        raise InvalidInputError("conflicting options: --name and the name of the volume")
    with open_engine(call) as engine:
        made = engine.volumes.create(
            name or (call.args[0] if call.args else ""),
            driver=call.text("driver", "local"),
            labels=dict(text.partition("=")[::2] for text in call.many("label")),
            options=dict(text.partition("=")[::2] for text in call.many("opt")),
        )
    print(made.name)
    return 0


def _list(call: Call) -> int:
    filters = parse_filters(call.many("filter"), FILTER_KEYS)
    with open_engine(call) as engine:
        found = engine.volumes.select(filters)
    if call.flag("quiet") and not call.text("format"):
        for volume in found:
            print(volume.name)
        return 0
    for line in lines(LAYOUT, [row(one) for one in found], call.text("format")):
        print(line)
    return 0


def _inspect(call: Call) -> int:
    found, failed = [], 0
    with open_engine(call) as engine:
        for name in call.args:
            try:
                found.append(document(engine.volumes.find(name)))
            except ToolkitError as error:
                failed = complain(error, status=1)
    for line in documents(found, call.text("format")):
        print(line)
    return failed


def _remove(call: Call) -> int:
    force = call.flag("force")
    with open_engine(call) as engine:
        return each(call.args, lambda name: engine.volumes.remove(name, force=force))


def _prune(call: Call) -> int:
    every = call.flag("all")
    filters = parse_filters(call.many("filter"), PRUNE_KEYS)
    filters = {**filters, **({"all": ["true"]} if every else {})}
    what = "all local volumes" if every else "anonymous local volumes"
    if not agreed(call, f"This will remove {what} not used by at least one container."):
        return 1
    with open_engine(call) as engine:
        gone, freed = engine.volumes.prune(filters)
    tell_pruned("Volumes", gone)
    print(f"Total reclaimed space: {human_size(freed)}")
    return 0


def tell_pruned(what: str, gone: list[str]) -> None:
    """Print what went, in Docker's words."""
    if gone:
        print(f"Deleted {what}:", *gone, "", sep="\n")


CREATE = Verb(
    name="volume create",
    usage="[FLAGS] [VOLUME]",
    summary="Make a volume; without a name it is given one.",
    flags=(
        Flag(names=("-d", "--driver"), metavar="DRIVER", help="Its kind (local)"),
        Flag(names=("--label",), metavar="NAME=VALUE", many=True, help="Note something"),
        Flag(names=("--name",), metavar="NAME", help="Its name, as older clients give it"),
        Flag(names=("-o", "--opt"), metavar="NAME=VALUE", many=True, help="Options of the driver"),
    ),
    act=_create,
    least=0,
    most=1,
)
LS = Verb(
    name="volume ls",
    usage="[FLAGS]",
    summary="List volumes.",
    flags=(
        Flag(
            names=("-f", "--filter"),
            metavar="KEY=VALUE",
            many=True,
            help="Keep only those; as in dangling=true, name=web, label=a=b",
        ),
        FORMAT,
        Flag(names=("-q", "--quiet"), help="Print names only"),
    ),
    act=_list,
    least=0,
    most=0,
)
INSPECT = Verb(
    name="volume inspect",
    usage="[FLAGS] VOLUME...",
    summary="Print all that is known of volumes, as JSON.",
    flags=(FORMAT_SHORT,),
    act=_inspect,
)
RM = Verb(
    name="volume rm",
    usage="[FLAGS] VOLUME...",
    summary="Remove volumes that no container uses.",
    flags=(Flag(names=("-f", "--force"), help="One that is not there is fine"),),
    act=_remove,
)
PRUNE = Verb(
    name="volume prune",
    usage="[FLAGS]",
    summary="Remove anonymous volumes that no container uses.",
    flags=(
        Flag(names=("-a", "--all"), help="Those with a name as well"),
        Flag(
            names=("--filter",),
            metavar="KEY=VALUE",
            many=True,
            help="Only those: label=NAME, label!=NAME",
        ),
        FORCE,
    ),
    act=_prune,
    least=0,
    most=0,
)
