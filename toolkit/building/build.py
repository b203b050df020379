"""The way in: ``build(request, services, on_event)`` makes an image and tells what it does.

Stages run side by side, each in a thread; one that needs another waits for it where it needs it.
What is made is kept step by step, so a failure leaves the steps before it for the next try and
nothing else.
"""

import threading
from contextlib import ExitStack

from toolkit.building.cache import Cache
from toolkit.building.draft import Draft
from toolkit.building.events import Event, Note
from toolkit.building.parsing import Dockerfile, parse
from toolkit.building.planning import plan, unused_arguments
from toolkit.building.site import CancelledError, Services, Site, folder_below
from toolkit.building.stages import StageBuild
from toolkit.core.record import record
from toolkit.core.threads import run_together
from toolkit.images.library import tag_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from toolkit.building.request import BuildRequest


@record
class Built:
    """The image: its id ``sha256:…``, and the whole names that it got."""

    id: str
    names: tuple[str, ...] = ()


def build(
    request: "BuildRequest", services: Services, on_event: "Callable[[Event], None]"
) -> Built:
    """Build what ``request`` asks for. Events come from several threads, one at a time.

    ``InvalidInputError`` names file and line of what is wrong; ``StepFailedError`` has the exit
    status of a command that failed.
    """
    names = tuple(tag_name(name) for name in request.tags)
    file = parse(request.dockerfile, file=request.file)
    given = dict(request.arguments)
    planned = plan(file, given, request.target)
    with ExitStack() as stack:
        data_root = services.settings.data_root
        folder = stack.enter_context(folder_below(data_root))
        site = Site(request, services, planned, folder=folder, emit=on_event)
        stack.callback(site.close)
        stack.enter_context(site.library.busy())
        Cache(data_root).close()  # made before stages do so side by side
        draft = _run_all(site, file)
        for name, value in request.labels:
            draft.set_label(name, value)
        stored = site.library.commit_image(draft.document, draft.layers, names)
        unused = unused_arguments(file, given)
        if unused:
            last = planned.stages[-1].stage.index
            text = f"One or more build-args {unused} were not consumed".replace("'", "")
            site.emit(Note(stage=last, text=text, warning=True))
    return Built(id=str(stored.id), names=names)


def _run_all(site: Site, file: Dockerfile) -> Draft:
    """The last stage's image."""
    stages = [StageBuild(site, planned, file.escape) for planned in site.plan.stages]
    if len(stages) == 1:
        return stages[0].run()
    failures: list[BaseException] = []
    threads = [threading.Thread(target=_guarded, args=(one, site, failures)) for one in stages]
    run_together(threads, site.cancel)
    if failures:
        raise failures[0]
    return site.draft(site.plan.stages[-1].stage.index)


def _guarded(stage: StageBuild, site: Site, failures: list[BaseException]) -> None:
    try:
        stage.run()
    except CancelledError:
        return  # another one's failure is the one to tell
    except BaseException as error:  # noqa: BLE001 - carried to the thread that waits
        failures.append(error)
        site.cancel()
