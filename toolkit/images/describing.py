"""What is shown of an image: the document of ``inspect``, the lines of ``history``, filters.

The field names are those of Docker's API, which serves the same documents.
"""

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.record import replace
from toolkit.core.suggest import did_you_mean
from toolkit.images.library import Library
from toolkit.images.stored import StoredImage
from toolkit.oci.reference import parse_reference

FILTER_KEYS = ("before", "dangling", "label", "reference", "since")
_TRUTHS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def document(library: Library, image: StoredImage) -> dict[str, Any]:
    """All that ``image inspect`` shows."""
    config = library.config(image)
    layers = [os.path.join(library.data_root, "layers", name, "diff") for name in image.chains]
    data = {"UpperDir": layers[-1]} if layers else {}
    if len(layers) > 1:
        data["LowerDir"] = ":".join(reversed(layers[:-1]))
    found: dict[str, Any] = {
        "Id": str(image.id),
        "RepoTags": [short_name(name) for name in image.names],
        "RepoDigests": [short_name(name) for name in image.digests],
        "Parent": "",
        "Comment": _comment(config),
        "Created": image.created or None,
        "DockerVersion": config.get("docker_version") or "",
        "Author": config.get("author") or "",
        "Config": config.get("config") or {},
        "Architecture": config.get("architecture") or "",
        "Os": config.get("os") or "",
        "Size": image.size,
        "GraphDriver": {"Data": data or None, "Name": "overlay2"},
        "RootFS": {"Type": "layers", "Layers": config["rootfs"].get("diff_ids") or []},
        "Metadata": {"LastTagTime": _stamp(image.added)},
        "Descriptor": {
            "mediaType": library.manifest_type(image),
            "digest": str(image.manifest),
            "size": os.path.getsize(library.blobs.path(image.manifest)),
        },
    }
    if variant := config.get("variant"):
        found["Variant"] = variant
    return found


def history(library: Library, image: StoredImage) -> list[dict[str, Any]]:
    """The steps an image was made by, the newest first, with the bytes that each added."""
    sizes = iter(library.layer_sizes(image))
    config = library.config(image)
    steps = config.get("history") or [{} for _ in image.chains]
    lines = [
        {
            "Id": "<missing>",
            "Created": int(seconds(step.get("created") or "")),
            "CreatedBy": step.get("created_by") or "",
            "Tags": None,
            "Size": 0 if step.get("empty_layer") else next(sizes, 0),
            "Comment": step.get("comment") or "",
        }
        for step in steps
    ]
    lines.reverse()
    if lines:
        lines[0]["Id"] = str(image.id)
        lines[0]["Tags"] = [short_name(name) for name in image.names] or None
    return lines


def short_name(name: str) -> str:
    """A whole name or ``name@digest`` as Docker shows it."""
    return parse_reference(name).familiar


def seconds(created: str) -> float:
    """RFC 3339 as seconds since 1970; 0 where an image does not say when it was made."""
    if not created:
        return 0.0
    match = re.match(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d+)?(.*)$", created)
    if not match:
        return 0.0
    part, zone = (match[2] or "")[:7], match[3] or "Z"
    try:
        return datetime.fromisoformat(f"{match[1]}{part}{zone}").timestamp()
    except ValueError:
        return 0.0


def select(
    library: Library, images: Sequence[StoredImage], filters: Mapping[str, Sequence[str]]
) -> list[StoredImage]:
    """The images that meet the filters: each key is to be met, by any value but all labels."""
    kept = list(images)
    for key, wanted in filters.items():
        if key not in FILTER_KEYS:
            hint = did_you_mean(key, FILTER_KEYS) or f"known are {', '.join(FILTER_KEYS)}"
            raise InvalidInputError(f"invalid filter '{key}'", hint=hint)
        if key == "dangling":
            asked = truth(key, wanted[-1])
            kept = [one for one in kept if (not one.names) == asked]
        elif key == "label":
            kept = [one for one in kept if _labelled(library, one, wanted)]
        elif key == "reference":
            kept = [found for one in kept if (found := _called(one, wanted))]
        else:
            edges = [seconds(library.find(text).created) for text in wanted]
            kept = [
                one
                for one in kept
                if (
                    seconds(one.created) < min(edges)
                    if key == "before"
                    else seconds(one.created) > max(edges)
                )
            ]
    return kept


def truth(key: str, text: str) -> bool:
    """A filter's value as true or false."""
    if text.lower() not in _TRUTHS:
        raise InvalidInputError(f"invalid filter '{key}={text}': it is true or false")
    return _TRUTHS[text.lower()]


def labels_of(library: Library, image: StoredImage) -> dict[str, str]:
    """An image's labels."""
    found: dict[str, str] = (library.config(image).get("config") or {}).get("Labels") or {}
    return found


def _labelled(library: Library, image: StoredImage, wanted: Sequence[str]) -> bool:
    labels = labels_of(library, image)
    pairs = [text.partition("=") for text in wanted]
    return all(name in labels and (not eq or labels[name] == value) for name, eq, value in pairs)


def _called(image: StoredImage, patterns: Sequence[str]) -> StoredImage | None:
    """The image with those of its names that a pattern fits; ``None`` where none does."""
    expressions = [_expression(pattern) for pattern in patterns]

    def fits(name: str) -> bool:
        reference = parse_reference(name)
        forms = {reference.familiar, reference.familiar_name, str(reference), reference.name}
        return any(one.fullmatch(form) for one in expressions for form in forms)

    names = tuple(name for name in image.names if fits(name))
    digests = tuple(name for name in image.digests if fits(name))
    return replace(image, names=names, digests=digests) if names or digests else None


def _expression(pattern: str) -> re.Pattern[str]:
    """A shell's pattern whose ``*`` and ``?`` stop at a slash, as Go's ``path.Match`` has it."""
    parts = {"*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern))


def _comment(config: Mapping[str, Any]) -> str:
    steps = config.get("history") or []
    return str(config.get("comment") or (steps[-1].get("comment") if steps else "") or "")


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")
