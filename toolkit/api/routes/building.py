"""``build``: a context in the body, Docker's classic lines back."""

import json
from typing import TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call, answer
from toolkit.api.progress import Lines, Tell, step
from toolkit.api.reading import Reader
from toolkit.api.registries import access
from toolkit.api.routes.images import note
from toolkit.api.routing import Route
from toolkit.api.transfer import incoming
from toolkit.building.build import build
from toolkit.building.events import Event, Running, StepDone
from toolkit.building.incoming import DOCKERFILE, read_texts, unpacked
from toolkit.building.pruning import PrunedSteps, prune_builds
from toolkit.building.request import BuildRequest
from toolkit.building.site import Services
from toolkit.building.telling import InOrder, classic, farewell
from toolkit.core.errors import InvalidInputError, NotFoundError, UnsupportedError
from toolkit.core.record import replace
from toolkit.engine.values import parse_add_host
from toolkit.images.progress import Step
from toolkit.oci.reference import parse_reference

if TYPE_CHECKING:
    from toolkit.engine.engine import Engine

# Parameters that ask for something which is not built, and what of them asks for nothing.
_IDLE = {
    "remote": ("",),
    "version": ("", "1"),
    "platform": ("",),
    "squash": ("", "0", "false"),
    "memory": ("", "0"),
    "memswap": ("", "0"),
    "cpushares": ("", "0"),
    "cpusetcpus": ("",),
    "cpuperiod": ("", "0"),
    "cpuquota": ("", "0"),
    "shmsize": ("", "0"),
    "ulimits": ("", "null", "[]"),
    "cachefrom": ("", "null", "[]"),
    "securityopt": ("", "null", "[]"),
    "cgroupparent": ("",),
    "isolation": ("", "default"),
    "outputs": ("", "null", "[]"),
}
_HINTS = {
    "remote": "send the context itself",
    "version": "BuildKit is version 2: build with DOCKER_BUILDKIT=0",
}


async def _build(call: Call) -> web.StreamResponse:
    asked, lines = _request(call), Lines()
    running: set[str] = set()
    try:
        async with incoming(call) as opened:

            def work(tell: Tell) -> None:
                with opened() as body, unpacked(body, call.service.settings.data_root) as folder:
                    texts = read_texts(folder, call.text("dockerfile") or DOCKERFILE)
                    whole = replace(
                        asked,
                        context=folder,
                        dockerfile=texts.dockerfile,
                        file=texts.file,
                        ignore=texts.ignore,
                    )
                    _run(call, whole, _Teller(tell, running, quiet=call.flag("q")))

            return await lines.serve(call, work)
    finally:
        if running:  # its client has left: what it runs may take long
            await call.apart(lambda engine: _end(engine, running))


def _end(engine: "Engine", running: set[str]) -> None:
    for container in tuple(running):
        try:
            engine.remove(container, force=True)
        except NotFoundError:
            continue  # it ended by itself


class _Teller:
    """Hears a build, and tells its client; ``running`` are the containers that run for it now."""

    def __init__(self, tell: Tell, running: set[str], *, quiet: bool) -> None:
        self.tell = tell
        self.quiet = quiet
        self._running = running
        self._order = InOrder(self._show)

    def hear(self, event: Event) -> None:
        """Something happened."""
        if isinstance(event, Running):
            self._running.add(event.container)
        elif isinstance(event, StepDone):
            self._running.clear()
        if not self.quiet:
            self._order(event)

    def _show(self, event: Event) -> None:
        if data := classic(event):
            self.tell({"stream": data.decode(errors="replace")})

    def fetched(self, what: Step) -> None:
        """A base image is being fetched."""
        if not self.quiet:
            self.tell(step(what))

    def over(self) -> None:
        """Nothing more comes: show what was held back."""
        self._running.clear()
        self._order.flush()

    def built(self, image: str, names: tuple[str, ...]) -> None:
        """The last lines."""
        if self.quiet:
            self.tell({"stream": f"{image}\n"})
            return
        self.tell({"aux": {"ID": image}})
        for text in farewell(image, names):
            self.tell({"stream": text})


def _run(call: Call, asked: BuildRequest, teller: _Teller) -> None:
    library, servers = call.service.library, access(call)

    def fetch(name: str) -> None:
        from toolkit.images.registry.pull import pull  # noqa: PLC0415 - most images are there

        pull(library, parse_reference(name), servers, report=teller.fetched)

    services = Services(settings=call.service.settings, launcher=call.service.launcher, pull=fetch)
    try:
        built = build(asked, services, teller.hear)
    finally:
        teller.over()
    note(call, "build", built.id)
    for name in built.names:
        note(call, "tag", built.id, parse_reference(name).familiar)
    teller.built(built.id, built.names)


def _request(call: Call) -> BuildRequest:
    """What the parameters say; the context comes later."""
    for name, fine in _IDLE.items():
        if call.text(name) not in fine:
            raise UnsupportedError(
                f"the parameter '{name}' of a build is not built", hint=_HINTS.get(name, "")
            )
    hosts = [text for part in call.query.getall("extrahosts", []) for text in part.split(",")]
    return BuildRequest(
        dockerfile="",
        tags=tuple(text for text in call.query.getall("t", []) if text),
        arguments=_pairs(call, "buildargs"),
        labels=_pairs(call, "labels"),
        target=call.text("target"),
        no_cache=call.flag("nocache"),
        pull=call.flag("pull"),
        network=call.text("networkmode") or "default",
        add_hosts=tuple(parse_add_host(text) for text in hosts if text),
    )


def _pairs(call: Call, name: str) -> tuple[tuple[str, str], ...]:
    """A JSON object of texts; null, which has a value nowhere, is left out."""
    text = call.text(name)
    if not text:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        raise InvalidInputError(f"{name}: no valid JSON") from None
    table = Reader({name: found}).table(name)
    return tuple((key, str(value)) for key, value in table.items() if value is not None)


async def _prune(call: Call) -> web.StreamResponse:
    library = call.service.library

    def work() -> PrunedSteps:
        return prune_builds(library, everything=True)

    done = await call.service.pool.apart(work)
    return answer({"CachesDeleted": list(done.gone) or None, "SpaceReclaimed": done.bytes})


ROUTES = (
    Route("POST", "/build", _build, ends=True),
    Route("POST", "/build/prune", _prune),
)
