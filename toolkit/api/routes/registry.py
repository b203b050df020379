"""What speaks with registries: ``images/create``, push, ``auth``, distribution.

The client of registries is loaded with the first of these: most servers start containers only.
"""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.progress import Lines, Tell, step
from toolkit.api.reading import Reader
from toolkit.api.registries import Given, access, login
from toolkit.api.routes.images import find, note
from toolkit.api.routing import Route
from toolkit.api.transfer import incoming
from toolkit.building.changing import changed
from toolkit.core.errors import InvalidInputError, ToolkitError
from toolkit.images.importing import fetched, import_tar
from toolkit.images.limits import MAX_JSON
from toolkit.images.progress import Step
from toolkit.oci.image import Index, Platform, decode_manifest, parse_json
from toolkit.oci.reference import DEFAULT_DOMAIN, Reference, parse_reference

if TYPE_CHECKING:
    from toolkit.images.compress import Source
    from toolkit.images.progress import Report
    from toolkit.images.registry.client import Access


class DeniedError(ToolkitError):
    """A registry takes no such login."""

    http_status = 401


async def _create(call: Call) -> web.StreamResponse:
    if call.text("fromSrc"):
        return await _import(call)
    name, tag = call.text("fromImage"), call.text("tag")
    if not name:
        raise InvalidInputError("neither 'fromImage' nor 'fromSrc' is given")
    wanted = f"{name}{'@' if ':' in tag else ':'}{tag}" if tag else name
    from toolkit.images.registry.client import repositories  # noqa: PLC0415 - see the module
    from toolkit.images.registry.pull import pull  # noqa: PLC0415 - as above

    reference, servers = parse_reference(wanted), access(call)
    platform = platform_of(call.text("platform"))

    def work(tell: Tell) -> None:
        report = _after_the_first(tell)
        for one in [reference] if _is_one(wanted) else _all_tags(reference):
            pull(call.service.library, one, servers, platform=platform, report=report)
            note(call, "pull", one.familiar, one.familiar)

    def _all_tags(one: Reference) -> list[Reference]:
        server = repositories(servers, one, "resolve")[0]
        return [parse_reference(f"{one.name}:{tag}") for tag in server.tags()]

    return await Lines().serve(call, work)


def _after_the_first(tell: Tell) -> "Report":
    """Tells steps, but the first only with the second: an image that is nowhere is a status."""
    held: list[Step] = []
    begun = False

    def report(what: Step) -> None:
        nonlocal begun
        held.append(what)
        if begun or len(held) > 1:
            begun = True
            for one in held:
                tell(step(one))
            held.clear()

    return report


def _is_one(name: str) -> bool:
    """Whether a name says which of a repository's images is meant."""
    return ":" in name.rpartition("/")[2] or "@" in name


def platform_of(text: str) -> Platform | None:
    """``linux/arm64/v8``."""
    if not text:
        return None
    parts = text.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise InvalidInputError(f"platform: '{text}' is not of the form OS/ARCHITECTURE[/VARIANT]")
    return Platform(os=parts[0], architecture=parts[1], variant="".join(parts[2:]))


async def _import(call: Call) -> web.StreamResponse:
    """An image of a root file system, from the body or a URL."""
    where, repository, tag = call.text("fromSrc"), call.text("repo"), call.text("tag")
    name = f"{repository}:{tag}" if repository and tag else repository
    config = changed(call.query.getall("changes", []))
    message, platform = call.text("message"), platform_of(call.text("platform"))

    def take(source: "Source", tell: Tell) -> None:
        image = import_tar(
            call.service.library,
            source,
            name=name,
            config=config,
            message=message,
            platform=platform,
        )
        note(call, "import", str(image.id), name)
        tell({"status": str(image.id)})

    if where != "-":

        def fetch(tell: Tell) -> None:
            with fetched(where) as source:
                take(source, tell)

        return await Lines().serve(call, fetch)

    async with incoming(call) as opened:

        def work(tell: Tell) -> None:
            with opened() as file:
                take(file, tell)

        return await Lines().serve(call, work)


async def _push(call: Call) -> web.StreamResponse:
    from toolkit.images.registry.push import push  # noqa: PLC0415 - see the module

    name, tag, servers = call.args["name"], call.text("tag"), access(call)
    if call.text("platform"):
        raise InvalidInputError("'platform' has no meaning here: an image has one")
    library = call.service.library
    reference = parse_reference(f"{name}:{tag}" if tag else name)

    def work(tell: Tell) -> None:
        names = [reference] if _is_one(str(name)) or tag else _named(call, reference)
        for one in names:
            image = find(call, one.familiar)
            digest = push(library, one, servers, report=lambda what: tell(step(what)))
            size = len(library.blobs.read(image.manifest, name="manifest"))
            tell({"status": f"{one.tag}: digest: {digest} size: {size}"})
            tell(
                {"progressDetail": {}, "aux": {"Tag": one.tag, "Digest": str(digest), "Size": size}}
            )
            note(call, "push", one.familiar, one.familiar)

    return await Lines().serve(call, work)


def _named(call: Call, reference: Reference) -> list[Reference]:
    """Every tag of a repository that is here."""
    start = f"{reference.name}:"
    found = [
        parse_reference(one)
        for image in call.service.library.all()
        for one in image.names
        if one.startswith(start)
    ]
    if not found:
        raise InvalidInputError(
            "An image does not exist locally with the tag: " + reference.familiar_name
        )
    return found


async def _auth(call: Call) -> web.StreamResponse:
    from toolkit.images.registry.login import check_login  # noqa: PLC0415 - see the module

    data = await call.body()
    address = Reader(data).text("serveraddress") or DEFAULT_DOMAIN
    host = address.removeprefix("https://").removeprefix("http://").partition("/")[0]
    if host == f"index.{DEFAULT_DOMAIN}":
        host = DEFAULT_DOMAIN
    servers, asked = call.service.access(Given({})), login(data)
    try:
        kept = await call.service.pool.apart(lambda: check_login(servers, host, asked))
    except ToolkitError as error:
        if "refuses" in error.message:
            raise DeniedError(error.message) from None
        raise
    return answer({"Status": "Login Succeeded", "IdentityToken": kept.token})


async def _distribution(call: Call) -> web.StreamResponse:
    reference, servers = parse_reference(call.args["name"]), access(call)
    return answer(await call.service.pool.apart(lambda: _described(reference, servers)))


def _described(reference: Reference, servers: "Access") -> dict[str, Any]:
    """What a registry says of an image, without fetching it."""
    from toolkit.images.registry.client import (  # noqa: PLC0415 - see the module
        read_bounded,
        reading,
        repositories,
    )

    server = repositories(servers, reference, "resolve")[0]
    found = server.manifest(str(reference.digest or reference.tag))
    at = f"manifest {found.digest}"
    manifest = decode_manifest(parse_json(found.data, at=at), at=at)
    if isinstance(manifest, Index):
        known = [one.platform for one in manifest.manifests if one.platform]
        platforms = [_shown(one.os, one.architecture, one.variant) for one in known]
    else:
        answered, _ = server.blob(manifest.config.digest)
        with reading(server.endpoint, answered):
            data = read_bounded(answered, MAX_JSON, server.endpoint)
        said = parse_json(data, at=f"configuration {manifest.config.digest}")
        platforms = [
            _shown(*(str(said.get(key) or "") for key in ("os", "architecture", "variant")))
        ]
    return {
        "Descriptor": {
            "mediaType": found.media_type,
            "digest": str(found.digest),
            "size": len(found.data),
        },
        "Platforms": platforms,
    }


def _shown(system: str, architecture: str, variant: str) -> dict[str, str]:
    found = {"architecture": architecture, "os": system}
    return {**found, "variant": variant} if variant else found


ROUTES = (
    Route("POST", "/images/create", _create, ends=True),
    Route("POST", "/images/{name*}/push", _push, ends=True),
    Route("POST", "/auth", _auth),
    Route("GET", "/distribution/{name*}/json", _distribution),
)
