"""Opens the engine that a command line means."""

import os

from toolkit.cli.settings import load_settings
from toolkit.engine.engine import Engine
from toolkit.images.store import ImageStore
from toolkit.runtime.client import Launcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cli.verb import Call
    from toolkit.engine.seams import Resolver
    from toolkit.engine.settings import Settings


def settings_of(call: "Call") -> "Settings":
    """The settings by flags, environment and file."""
    flags = {"data_root": call.text("data-root"), "run_root": call.text("root")}
    return load_settings(flags, os.environ)


def open_engine(
    call: "Call", settings: "Settings | None" = None, *, images: "Resolver | None" = None
) -> Engine:
    """The engine, with a launcher of its own once one is needed; ``settings`` if read already.

    ``images`` finds an image by name; without it only what is stored is found.
    """
    settings = settings or settings_of(call)
    return Engine(settings, Launcher.spawn, images or ImageStore(settings.data_root).resolve)
