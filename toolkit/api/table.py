"""All endpoints: those of ``toolkit.api.routes``, and those that are known and not built."""

from toolkit.api.routes import attach, containers, execs, logs, system
from toolkit.api.routes.unbuilt import UNBUILT

ROUTES = (
    *system.ROUTES,
    *containers.ROUTES,
    *attach.ROUTES,
    *logs.ROUTES,
    *execs.ROUTES,
    *UNBUILT,
)
