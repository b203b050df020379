"""The rows of ``ps``: what its columns and ``--format`` can show of a container."""

from toolkit.cli.containers.tables import human_size, shortened
from toolkit.cli.templates.listing import Layout
from toolkit.engine.netshown import published
from toolkit.engine.stamps import local_stamp
from toolkit.engine.words import since, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.model import View
    from toolkit.engine.settings import Settings

_COMMAND = 20  # characters shown
LAYOUT = Layout(
    columns=(
        ("ID", "CONTAINER ID"),
        ("Image", "IMAGE"),
        ("Command", "COMMAND"),
        ("RunningFor", "CREATED"),
        ("Status", "STATUS"),
        ("Ports", "PORTS"),
        ("Names", "NAMES"),
    ),
    more=(
        ("CreatedAt", "CREATED AT"),
        ("Labels", "LABELS"),
        ("LocalVolumes", "LOCAL VOLUMES"),
        ("Mounts", "MOUNTS"),
        ("Networks", "NETWORKS"),
        ("Size", "SIZE"),
        ("State", "STATE"),
    ),
    raw=(
        "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\n"
        "created_at: {{.CreatedAt}}\nstate: {{.State}}\nstatus: {{.Status}}\nnames: {{.Names}}\n"
        "labels: {{.Labels}}\nports: {{.Ports}}\n"
    ),
)
SIZED = Layout(
    columns=(*LAYOUT.columns, ("Size", "SIZE")),
    more=LAYOUT.more,
    raw=f"{LAYOUT.raw}size: {{{{.Size}}}}\n",
)
"""The same with how much each container wrote."""


def row(view: "View", *, whole: bool, size: str = "", usual: bool = False) -> dict[str, object]:
    """The fields of one container; with ``whole`` nothing is shortened.

    The ``usual`` table needs only some: with a thousand containers that is time well saved.
    """
    command = " ".join(view.args)
    found: dict[str, object] = {
        "ID": view.id if whole else view.id[:12],
        "Image": view.image,
        "Command": f'"{command if whole else shortened(command, _COMMAND)}"',
        "RunningFor": f"{since(view.created)} ago",
        "Status": status(view),
        "Ports": ", ".join(
            published([port for one in view.networks for port in one.endpoint.ports])
        ),
        "Names": view.name,
        "Size": size or "0B",
    }
    return found if usual else {**found, **_more(view, whole=whole)}


def _more(view: "View", *, whole: bool) -> dict[str, object]:
    labels = dict(text.partition("=")[::2] for text in view.labels)
    mounts = (
        *(bind.source for bind in view.config.binds),
        *(volume.name for volume in view.config.volumes),
    )
    return {
        "CreatedAt": local_stamp(view.created),
        "State": view.status,
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "Label": lambda name: labels.get(name, ""),
        "Mounts": ",".join(mount_name(source, whole=whole) for source in mounts),
        "LocalVolumes": str(len(view.config.volumes)),
        "Networks": _networks(view),
    }


def size_of(view: "View", settings: "Settings") -> str:
    """How much a container wrote, and how much there is with its image's layers."""
    from toolkit.engine.sizes import container_size  # noqa: PLC0415 - few ask for it

    written, whole = container_size(view, settings)
    return f"{human_size(written)} (virtual {human_size(whole)})"


def mount_name(source: str, *, whole: bool) -> str:
    """A volume's source, at most fifteen characters of it."""
    return source if whole else shortened(source, 15)


def _networks(view: "View") -> str:
    names = [one.network.name for one in view.networks]
    return ",".join(names) or view.config.network.partition(":")[0]
