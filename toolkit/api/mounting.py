"""``Binds``, ``Mounts``, ``Volumes`` and ``Tmpfs`` of a body as what the engine mounts."""

from dataclasses import dataclass, field

from toolkit.api.reading import Reader
from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.engine import values
from toolkit.engine.config import Bind, Tmpfs, VolumeMount
from toolkit.engine.volumetext import parse_volume

_IDLE_BIND: dict[str, tuple[object, ...]] = {
    "NonRecursive": (False,),
    "ReadOnlyNonRecursive": (False,),
    "ReadOnlyForceRecursive": (False,),
}


@dataclass(slots=True)
class Mounts:
    """What was found so far."""

    binds: list[Bind] = field(default_factory=list)
    volumes: list[VolumeMount] = field(default_factory=list)
    tmpfs: list[Tmpfs] = field(default_factory=list)


def read(config: Reader, host: Reader) -> Mounts:
    """All that a container is to see beside its image."""
    found = Mounts()
    for text in host.texts("Binds"):
        _bind(text, found)
    for mount in host.items("Mounts"):
        _mount(mount, found)
    for target, options in host.table("Tmpfs").items():
        found.tmpfs.append(values.parse_tmpfs(f"{target}:{options}" if options else target))
    taken = {one.target for one in found.binds} | {one.target for one in found.volumes}
    taken |= {one.target for one in found.tmpfs}
    for target in config.table("Volumes"):
        if target not in taken:
            found.volumes.append(VolumeMount(target=_absolute(target)))
    return found


def _bind(text: str, found: Mounts) -> None:
    """``SOURCE:TARGET[:OPTIONS]``, where a source without a slash names a volume."""
    _keep(parse_volume(text), found)


def _keep(mount: Bind | VolumeMount, found: Mounts) -> None:
    if isinstance(mount, Bind):
        found.binds.append(mount)
    else:
        found.volumes.append(mount)


def _mount(mount: Reader, found: Mounts) -> None:
    kind = mount.text("Type")
    mount.part("BindOptions").refuse_all_but(_IDLE_BIND)
    mount.part("VolumeOptions").refuse_all_but({"Labels": ({},)})
    mount.part("TmpfsOptions").refuse_all_but({"Options": ([],)})
    if kind == "bind":
        options = [mount.part("BindOptions").text("Propagation") or "rprivate"]
        options += ["ro"] if mount.flag("ReadOnly") else []
        text = f"{mount.text('Source')}:{mount.text('Target')}:{','.join(options)}"
        _keep(parse_volume(text), found)
    elif kind == "volume":
        found.volumes.append(_volume(mount))
    elif kind == "tmpfs":
        found.tmpfs.append(_tmpfs(mount))
    else:
        raise UnsupportedError(f"mounts of type '{kind}' are not built")


def _volume(mount: Reader) -> VolumeMount:
    options = mount.part("VolumeOptions")
    driver = options.part("DriverConfig")
    if driver.text("Name") not in ("", "local") or driver.table("Options"):
        raise UnsupportedError("volume drivers other than 'local' without options are not built")
    return VolumeMount(
        name=mount.text("Source"),
        target=_absolute(mount.text("Target")),
        read_only=mount.flag("ReadOnly"),
        copy=not options.flag("NoCopy"),
        subpath=options.text("Subpath"),
    )


def _tmpfs(mount: Reader) -> Tmpfs:
    asked = mount.part("TmpfsOptions")
    options = [f"size={asked.number('SizeBytes')}"] if asked.number("SizeBytes") else []
    options += [f"mode={asked.number('Mode'):o}"] if asked.number("Mode") else []
    options += ["ro"] if mount.flag("ReadOnly") else []
    target = mount.text("Target")
    return values.parse_tmpfs(f"{target}:{','.join(options)}" if options else target)


def _absolute(target: str) -> str:
    if not target.startswith("/") or not target.strip("/."):
        raise InvalidInputError(f"invalid mount path: '{target}' must be absolute")
    return target
