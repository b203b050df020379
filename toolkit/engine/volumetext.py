"""``--volume`` and ``--mount``: directories of the host, volumes and memory, in Docker's words."""

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.core.suggest import did_you_mean
from toolkit.engine.config import Bind, Tmpfs, VolumeMount
from toolkit.engine.values import check_target, parse_size, parse_tmpfs
from toolkit.engine.volumes import check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Asked = Bind | VolumeMount | Tmpfs

_PROPAGATION = ("rprivate", "private", "rslave", "slave", "rshared", "shared")
_NOTHING = ("z", "Z", "bind", "rbind", "consistent", "cached", "delegated")
_KNOWN = ("ro", "rw", "nocopy", *_NOTHING, *_PROPAGATION)


def parse_volume(text: str) -> Bind | VolumeMount:
    """``[/host|NAME:]/container[:option,option]``; alone it is a volume of the container's own."""
    parts = text.split(":")
    if len(parts) == 1:
        check_target(text, f"volume '{text}'")
        return VolumeMount(target=text)
    if len(parts) > 3 or not all(parts):
        raise InvalidInputError(
            f"volume '{text}' is not HOST:CONTAINER[:OPTIONS]",
            hint="write it as in /srv/data:/data:ro or data:/data",
        )
    source, target = parts[0], parts[1]
    check_target(target, f"volume '{text}'")
    options = _options(parts[2] if len(parts) == 3 else "", text)
    if source.startswith("/"):
        if "nocopy" in options:
            raise InvalidInputError(f"volume '{text}': 'nocopy' is for volumes with a name only")
        return Bind(
            source=source,
            target=target,
            read_only="ro" in options,
            propagation=next((one for one in options if one in _PROPAGATION), "rprivate"),
        )
    check_name(source)
    if any(one in _PROPAGATION for one in options):
        raise InvalidInputError(f"volume '{text}': propagation is for directories of the host only")
    return VolumeMount(
        target=target, name=source, read_only="ro" in options, copy="nocopy" not in options
    )


def _options(options: str, text: str) -> list[str]:
    """SELinux's ``z`` and ``Z`` mean nothing on a host without it."""
    found = [option for option in options.split(",") if option]
    for option in found:
        if option not in _KNOWN:
            raise InvalidInputError(
                f"volume '{text}': unknown option '{option}'",
                hint=did_you_mean(option, _KNOWN) or f"known are {', '.join(_KNOWN)}",
            )
    return found


_SPELLINGS = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
}
_OF_KIND = {
    "bind": ("bind-propagation", "bind-recursive", "consistency"),
    "volume": ("volume-nocopy", "volume-subpath", "volume-driver", "volume-label", "volume-opt"),
    "tmpfs": ("tmpfs-size", "tmpfs-mode"),
}
_TRUTH = {"": True, "true": True, "1": True, "false": False, "0": False}


def parse_mount(text: str, *, exists: "Callable[[str], bool]") -> "Asked":
    """``type=volume,source=NAME,target=/data,ro``; ``exists`` looks for a directory of the host."""
    fields: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        key = _SPELLINGS.get(name.strip().lower(), name.strip().lower())
        fields[key] = value.strip()
    kind = fields.pop("type", "volume")
    if kind not in _OF_KIND:
        raise InvalidInputError(
            f"mount '{text}': the type is none of {', '.join(_OF_KIND)}", hint="as in type=bind"
        )
    known = ("source", "target", "readonly", *_OF_KIND[kind])
    for key in fields:
        if key not in known:
            raise InvalidInputError(
                f"mount '{text}': '{key}' is not known to type={kind}",
                hint=did_you_mean(key, known) or f"known are {', '.join(known)}",
            )
    target = fields.get("target", "")
    check_target(target, f"mount '{text}'")
    if kind == "bind":
        return _bind(text, fields, exists)
    return _volume(text, fields) if kind == "volume" else _tmpfs(text, fields)


def _bind(text: str, fields: dict[str, str], exists: "Callable[[str], bool]") -> Bind:
    source = fields.get("source", "")
    if not source.startswith("/"):
        raise InvalidInputError(f"mount '{text}': the source '{source}' is no absolute path")
    if not exists(source):
        raise InvalidInputError(
            f"mount '{text}': there is no '{source}' on this host",
            hint="make it first, or use -v, which makes it",
        )
    propagation = fields.get("bind-propagation", "rprivate")
    if propagation not in _PROPAGATION:
        raise InvalidInputError(
            f"mount '{text}': unknown propagation '{propagation}'",
            hint=did_you_mean(propagation, _PROPAGATION),
        )
    if fields.get("bind-recursive", "enabled") != "enabled":
        raise UnsupportedError(f"mount '{text}': bind-recursive is not supported")
    return Bind(
        source=source,
        target=fields["target"],
        read_only=_true(fields, "readonly", text),
        propagation=propagation,
    )


def _volume(text: str, fields: dict[str, str]) -> VolumeMount:
    for key in ("volume-opt", "volume-label"):
        if key in fields:
            raise UnsupportedError(
                f"mount '{text}': {key} is not supported", hint="see 'dockyard volume create'"
            )
    if fields.get("volume-driver", "local") != "local":
        raise UnsupportedError(f"mount '{text}': the only volume driver is 'local'")
    name, subpath = fields.get("source", ""), fields.get("volume-subpath", "")
    if name:
        check_name(name)
    if subpath.startswith("/"):
        raise InvalidInputError(f"mount '{text}': volume-subpath is a path inside the volume")
    return VolumeMount(
        target=fields["target"],
        name=name,
        read_only=_true(fields, "readonly", text),
        copy=not _true(fields, "volume-nocopy", text),
        subpath=subpath,
    )


def _tmpfs(text: str, fields: dict[str, str]) -> Tmpfs:
    if "source" in fields:
        raise InvalidInputError(f"mount '{text}': a tmpfs has no source")
    options = []
    if "tmpfs-size" in fields:
        options.append(f"size={parse_size(fields['tmpfs-size'], what='tmpfs-size')}")
    if "tmpfs-mode" in fields:
        options.append(f"mode={fields['tmpfs-mode']}")
    if _true(fields, "readonly", text):
        options.append("ro")
    return parse_tmpfs(f"{fields['target']}:{','.join(options)}")


def _true(fields: dict[str, str], key: str, text: str) -> bool:
    if key not in fields:
        return False
    value = fields[key].lower()
    if value not in _TRUTH:
        raise InvalidInputError(f"mount '{text}': {key} is true or false")
    return _TRUTH[value]
