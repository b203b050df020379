"""Long work that tells, and bytes in bulk, with a client that reads, leaves or is slow."""

import asyncio
import io
import json
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import aiohttp  # noqa: TID251 - the tests of its home
import pytest
from aiohttp import web  # noqa: TID251 - as above

from toolkit.api.call import Call
from toolkit.api.pool import Pool
from toolkit.api.progress import LeftError, Lines, Tell, step
from toolkit.api.transfer import deliver, incoming
from toolkit.core.errors import ConflictError
from toolkit.images.progress import Step

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def no_engine() -> Any:
    raise AssertionError("nothing here asks the engine")


class OnlyPool:
    """As much of a service as these need."""

    def __init__(self) -> None:
        self.pool = Pool(no_engine)


async def served(handler: Handler, use: Callable[[aiohttp.ClientSession], Awaitable[None]]) -> None:
    """Serve one handler on a socket, and use it."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return await handler(Call(OnlyPool(), request, {}, (1, 50)))  # type: ignore[arg-type] # as much as is needed

    with tempfile.TemporaryDirectory() as folder:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(Path(folder, "s")))
        runner = web.ServerRunner(web.Server(handle, handler_cancellation=True))
        await runner.setup()
        await web.SockSite(runner, sock).start()
        connector = aiohttp.UnixConnector(str(Path(folder, "s")))
        async with aiohttp.ClientSession(connector=connector) as session:
            await use(session)
        await runner.cleanup()


def test_lines_come_in_order_and_an_error_is_the_last() -> None:
    def work(tell: Tell) -> None:
        for number in range(600):  # more than may wait
            tell({"n": number})
        raise ConflictError("it broke")

    async def use(session: aiohttp.ClientSession) -> None:
        async with session.post("http://x/") as answer:
            lines = [json.loads(text) for text in (await answer.read()).splitlines()]
        assert [one["n"] for one in lines[:-1]] == list(range(600))
        assert lines[-1] == {"errorDetail": {"message": "it broke"}, "error": "it broke"}

    asyncio.run(served(lambda call: Lines().serve(call, work), use))


def test_an_error_before_the_first_line_is_a_status() -> None:
    async def handler(call: Call) -> web.StreamResponse:
        def work(tell: Tell) -> None:
            del tell
            raise ConflictError("no")

        with pytest.raises(ConflictError, match="no"):
            await Lines().serve(call, work)
        return web.Response(text="refused")

    async def use(session: aiohttp.ClientSession) -> None:
        async with session.post("http://x/") as answer:
            assert await answer.text() == "refused"

    asyncio.run(served(handler, use))


def test_work_ends_when_its_client_leaves() -> None:
    ended = asyncio.Event()

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def work(tell: Tell) -> None:
            try:
                while True:
                    tell({"n": "x" * 1000})
            except LeftError:
                loop.call_soon_threadsafe(ended.set)
                raise

        async def use(session: aiohttp.ClientSession) -> None:
            async with session.post("http://x/") as answer:
                await answer.content.readline()
                answer.close()
            await asyncio.wait_for(ended.wait(), 60)

        await served(lambda call: Lines().serve(call, work), use)

    asyncio.run(main())


def test_a_body_is_read_in_a_thread_and_bytes_are_delivered_from_one() -> None:
    size = 3 << 20

    async def handler(call: Call) -> web.StreamResponse:
        async with incoming(call) as opened:

            def work(file: IO[bytes]) -> None:
                with opened() as body:
                    while data := body.read(1 << 16):
                        file.write(data)

            return await deliver(call, work)

    async def use(session: aiohttp.ClientSession) -> None:
        sent = bytes(range(256)) * (size // 256)
        async with session.post("http://x/", data=io.BytesIO(sent)) as answer:
            assert await answer.read() == sent

    asyncio.run(served(handler, use))


def test_a_body_that_nobody_reads_holds_nothing_up() -> None:
    async def handler(call: Call) -> web.StreamResponse:
        async with incoming(call):
            return web.Response(text="enough")

    async def use(session: aiohttp.ClientSession) -> None:
        async with session.post("http://x/", data=b"x" * 1000) as answer:
            assert await answer.text() == "enough"

    asyncio.run(served(handler, use))


def test_a_step_is_drawn_as_docker_does() -> None:
    shown = step(Step(status="Downloading", id="abc", current=500_000, total=1_000_000))
    assert shown["progressDetail"] == {"current": 500_000, "total": 1_000_000}
    assert shown["progress"].startswith("[" + "=" * 25 + ">")
    assert shown["progress"].endswith("500kB/1MB")
    assert step(Step(status="Digest: x")) == {"status": "Digest: x", "progressDetail": {}}
