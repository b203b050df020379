"""All endpoints: those of ``toolkit.api.routes``, and those that are known and not built."""

from toolkit.api.routes import (
    archive,
    attach,
    building,
    containers,
    control,
    disk,
    events,
    execs,
    images,
    logs,
    networks,
    registry,
    system,
    usage,
    volumes,
    writing,
)
from toolkit.api.routes.unbuilt import UNBUILT

ROUTES = (
    *system.ROUTES,
    *events.ROUTES,
    *containers.ROUTES,
    *control.ROUTES,
    *usage.ROUTES,
    *attach.ROUTES,
    *archive.ROUTES,
    *logs.ROUTES,
    *execs.ROUTES,
    *images.ROUTES,
    *registry.ROUTES,
    *building.ROUTES,
    *writing.ROUTES,
    *disk.ROUTES,
    *volumes.ROUTES,
    *networks.ROUTES,
    *UNBUILT,
)
