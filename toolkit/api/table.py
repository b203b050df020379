"""All endpoints: those of ``toolkit.api.routes``, and those that are known and not built."""

from toolkit.api.routes import (
    attach,
    containers,
    control,
    events,
    execs,
    images,
    logs,
    networks,
    registry,
    system,
    usage,
    volumes,
)
from toolkit.api.routes.unbuilt import UNBUILT

ROUTES = (
    *system.ROUTES,
    *events.ROUTES,
    *containers.ROUTES,
    *control.ROUTES,
    *usage.ROUTES,
    *attach.ROUTES,
    *logs.ROUTES,
    *execs.ROUTES,
    *images.ROUTES,
    *registry.ROUTES,
    *volumes.ROUTES,
    *networks.ROUTES,
    *UNBUILT,
)
