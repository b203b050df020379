"""How ``run`` and ``create`` find their image: in the store, else from its registry.

On the path of a start: what pulls is imported once it is needed.
"""

import sys

from toolkit.cli.verb import Flag
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.locate import HOST, NotStoredError, is_path
from toolkit.images.store import ImageStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.cli.verb import Call
    from toolkit.images.root import RootImage

_POLICIES = ("missing", "always", "never")
PULLS = (
    Flag(
        names=("--pull",),
        metavar="|".join(_POLICIES),
        help="When to fetch the image from its registry (missing)",
    ),
    Flag(names=("-q", "--quiet"), help="Do not show how it is fetched"),
)


def resolver(call: "Call", data_root: str) -> "Callable[[str], RootImage]":
    """Makes an image ready, pulling it first where ``--pull`` says so."""
    policy = call.text("pull") or "missing"
    if policy not in _POLICIES:
        raise InvalidInputError(f"pull: '{policy}' is none of {', '.join(_POLICIES)}")
    store = ImageStore(data_root)

    def resolve(reference: str) -> "RootImage":
        if policy == "always" and reference != HOST and not is_path(reference):
            _pull(call, store, reference)
        try:
            return store.resolve(reference)
        except NotStoredError as missing:
            if policy == "never":
                raise
            _pull(call, store, reference, missing)
        return store.resolve(reference)

    return resolve


def _pull(
    call: "Call", store: ImageStore, reference: str, missing: NotStoredError | None = None
) -> None:
    from toolkit.cli.images.pulling import fetch  # noqa: PLC0415 - most images are there
    from toolkit.cli.images.telling import telling  # noqa: PLC0415 - as above
    from toolkit.images.library import Library  # noqa: PLC0415 - as above
    from toolkit.oci.reference import parse_reference  # noqa: PLC0415 - as above

    try:
        name = parse_reference(reference).familiar
    except InvalidInputError:
        raise (missing or NotStoredError(f"no image '{reference}'")) from None
    if missing and not call.flag("quiet"):
        print(f"Unable to find image '{name}' locally", file=sys.stderr)
    try:
        with telling(call, quiet=call.flag("quiet")) as report:
            fetch(Library(store.data_root), reference, report)
    except ToolkitError as error:
        if missing is None:
            raise
        raise type(missing)(
            f"{missing.message}, and it cannot be fetched: {error.message}",
            hint=missing.hint if missing.hint.startswith("did you") else error.hint,
        ) from None
