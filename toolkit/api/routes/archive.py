"""Files in and out of containers, and whole containers, as tar archives."""

import base64
import json
import os
import stat
from typing import IO, TYPE_CHECKING

from aiohttp import web

from toolkit.api.call import Call, nothing
from toolkit.api.finding import inspect
from toolkit.api.routing import Route
from toolkit.api.transfer import deliver, incoming
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.engine.copying import export, files_of, pack, place
from toolkit.engine.packing import Pieces, resolved
from toolkit.engine.stamps import stamp
from toolkit.engine.users import resolve_user
from toolkit.images.compress import plain
from toolkit.linux.paths import open_in_root

if TYPE_CHECKING:
    from toolkit.engine.copying import Files
    from toolkit.engine.engine import Engine

_STAT = "X-Docker-Container-Path-Stat"
_ROOT, _HERE = b"/", b"."
_TEXT = 1 << 20  # characters of a file of users
# Go's os.FileMode: what stat(2) says beside the permissions, bit by bit.
_MODES = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
}
_BITS = {stat.S_ISUID: 1 << 23, stat.S_ISGID: 1 << 22, stat.S_ISVTX: 1 << 20}


def go_mode(mode: int) -> int:
    """A mode of stat(2) as Go writes it."""
    special = sum(theirs for ours, theirs in _BITS.items() if mode & ours)
    return _MODES.get(stat.S_IFMT(mode), 0) | special | (mode & 0o777)


def described(files: "Files", path: str) -> str:
    """What is at a path, as the header says it: base64 of JSON."""
    found = files.find(path)
    if found is None:
        raise NotFoundError(f"Could not find the file {path}")
    spot, status = files.spot(path), found.status
    said = {
        "name": found.name,
        "size": status.st_size,
        "mode": go_mode(status.st_mode),
        "mtime": stamp(status.st_mtime),
        "linkTarget": os.path.normpath(resolved(spot.root, spot.path)) if found.link else "",
    }
    return base64.b64encode(json.dumps(said).encode()).decode()


def _path(call: Call) -> str:
    path = call.text("path")
    if not path:
        raise InvalidInputError("bad parameter: 'path' is missing")
    return path


async def _stat(call: Call) -> web.StreamResponse:
    view, path = await inspect(call), _path(call)
    said = await call.apart(lambda engine: _look(engine, view.id, path))
    return web.Response(headers={_STAT: said})


def _look(engine: "Engine", container: str, path: str) -> str:
    with files_of(engine, container) as files:
        return described(files, path)


async def _get(call: Call) -> web.StreamResponse:
    view, path = await inspect(call), _path(call)
    said = await call.apart(lambda engine: _look(engine, view.id, path))

    def read(engine: "Engine", file: IO[bytes]) -> None:
        with files_of(engine, view.id) as files:
            spot = files.spot(path)
            name = os.fsencode(spot.name) or _ROOT
            if os.path.basename(path) == ".":
                name = _HERE
            file.writelines(pack(spot, name))

    def work(file: IO[bytes]) -> None:
        call.service.pool.use(lambda engine: read(engine, file))

    return await deliver(call, work, headers={_STAT: said})


async def _put(call: Call) -> web.StreamResponse:
    view, path = await inspect(call), _path(call)
    user = (view.config.user or view.says.user) if call.flag("copyUIDGID") else ""
    async with incoming(call) as opened:

        def work(engine: "Engine") -> None:
            with opened() as body, files_of(engine, view.id) as files:
                owner = _owner(files, user) if user else None
                place(Pieces(plain(body)), files.spot(path, follow=True), owner=owner)

        await call.apart(work)
    return nothing(200)


def _owner(files: "Files", user: str) -> tuple[int, int]:
    """Whom a user of the container is by number."""
    account = resolve_user(user, _text(files, "/etc/passwd"), _text(files, "/etc/group"))
    return account.uid, account.gid


def _text(files: "Files", path: str) -> str:
    spot = files.spot(path, follow=True)
    try:
        fd = open_in_root(spot.root, spot.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        return ""
    with open(fd, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(_TEXT)


async def _export(call: Call) -> web.StreamResponse:
    view = await inspect(call)

    def work(file: IO[bytes]) -> None:
        call.service.pool.use(lambda engine: file.writelines(export(engine, view.id)))

    return await deliver(call, work)


ROUTES = (
    Route("HEAD", "/containers/{id}/archive", _stat),
    Route("GET", "/containers/{id}/archive", _get, ends=True),
    Route("PUT", "/containers/{id}/archive", _put),
    Route("GET", "/containers/{id}/export", _export, ends=True),
)
