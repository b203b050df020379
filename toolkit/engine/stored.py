"""What a row of ``state.db`` holds of a container: its config and the image it was made from.

Whatever a start needs is worked out anew from these two, so nothing that changes between starts
(capabilities of the caller, processes to join) is ever kept.
"""

from toolkit.core.record import record
from toolkit.engine import config as configs
from toolkit.engine.config import ContainerConfig
from toolkit.oci.image import Fields, ImageConfig, decode_config, encode_config
from toolkit.runtime.messages import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.engine.seams import RootImage


@record
class PlainImage:
    """A ``RootImage`` that can be kept: layers, topmost first, trees over them, what it says."""

    lower: tuple[str, ...]
    config: ImageConfig = ImageConfig(labels={})
    binds: tuple[tuple[str, str], ...] = ()
    digest: str = ""


@record
class Stored:
    """A container as asked for, and its image as it was then."""

    config: ContainerConfig
    image: PlainImage


def plain(image: "RootImage") -> PlainImage:
    """The parts of an image that a container keeps."""
    said = image.config
    return PlainImage(
        lower=tuple(image.lower),
        config=ImageConfig(
            env=said.env,
            entrypoint=said.entrypoint,
            cmd=said.cmd,
            workdir=said.workdir,
            user=said.user,
            stop_signal=said.stop_signal,
            labels=dict(said.labels),
            volumes=said.volumes,
            exposed_ports=said.exposed_ports,
            healthcheck=said.healthcheck,
            shell=said.shell,
        ),
        binds=tuple((outside, inside) for outside, inside in image.binds),
        digest=str(image.digest),
    )


def labels(stored: Stored) -> tuple[str, ...]:
    """The image's labels and the container's own, as ``K=V``; its own win."""
    own = dict(text.partition("=")[::2] for text in stored.config.labels)
    return tuple(f"{name}={value}" for name, value in {**stored.image.config.labels, **own}.items())


def dump(stored: Stored) -> str:
    """JSON text for the row."""
    image = stored.image
    return encode(
        {
            "config": configs.to_data(stored.config),
            "lower": image.lower,
            "binds": image.binds,
            "digest": image.digest,
            "image": encode_config(image.config),
        }
    )


def load(text: str) -> Stored:
    """What ``dump`` wrote."""
    data = decode(text)
    return Stored(
        config=configs.from_data(data["config"], at="state.db"),
        image=PlainImage(
            lower=tuple(data["lower"]),
            binds=tuple((outside, inside) for outside, inside in data["binds"]),
            digest=data["digest"],
            config=decode_config(Fields(data["image"], "state.db")),
        ),
    )
