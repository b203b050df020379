"""Which stored image a text means; light, for it is on a start's path.

Names in the tables are whole and were checked by ``oci.reference`` when they came in, so a text
that is looked up needs only the parts that Docker leaves out, not the grammar.
"""

from toolkit.core.errors import ConflictError
from toolkit.oci.reference import expand

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolkit.images.tables import State

_DIGESTS = ("sha256:", "sha512:")
_HEX = frozenset("0123456789abcdef")


def lookup(state: "State", reference: str) -> tuple[str, str] | None:
    """Id and manifest of the image that ``reference`` means; ``None`` where there is none.

    ``ConflictError`` for the beginning of several ids.
    """
    for name, digest in _meanings(reference):
        if not name:
            asked = "SELECT id, manifest FROM images WHERE id=? OR manifest=?"
            rows = state.query(asked, digest, digest)
        elif digest:
            rows = state.query(
                "SELECT id, manifest FROM image_digests JOIN images ON image=id"
                " WHERE name=? AND digest=?",
                name,
                digest,
            )
        else:
            rows = state.query(
                "SELECT id, manifest FROM image_names JOIN images ON image=id WHERE name=?", name
            )
        if rows:
            return rows[0][0], rows[0][1]
    return _by_prefix(state, reference)


def _meanings(text: str) -> "Iterator[tuple[str, str]]":
    """(whole name, digest) pairs to look up: one of them may be empty."""
    rest, _, digest = text.partition("@")
    if text.startswith(_DIGESTS):
        yield "", text
    if rest:
        domain, path, tag = expand(rest)
        if digest:
            yield f"{domain}/{path}", digest
        else:
            yield f"{domain}/{path}:{tag or 'latest'}", ""


def _by_prefix(state: "State", reference: str) -> tuple[str, str] | None:
    digits = reference.removeprefix("sha256:")
    if not digits or len(digits) > 64 or not _HEX.issuperset(digits):
        return None
    asked = "SELECT id, manifest FROM images WHERE id GLOB ? LIMIT 2"
    rows = state.query(asked, f"sha256:{digits}*")
    if len(rows) > 1:
        raise ConflictError(f"'{reference}' is the beginning of more than one image's id")
    return (rows[0][0], rows[0][1]) if rows else None
