"""A distance between the controller and a host: a proxy that holds every byte for a while.

It stands in the controller's network namespace. What it was told comes back on its stdout when it
ends: how often the talk turned from one side to the other and back.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from support.sshd_hosts import SshdHosts, SshHost

_PROXY = r"""
import asyncio, json, sys
address, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
turns, last = 0, ""

def pump(reader, writer, side):
    async def run():
        global turns, last
        loop, ready = asyncio.get_running_loop(), asyncio.Queue()
        async def send():
            while True:
                at, data = await ready.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()
        sending = asyncio.ensure_future(send())
        while True:
            try:
                data = await reader.read(1 << 16)
            except OSError:
                data = b""
            if side == "client" and last == "host":
                turns += 1
            last = side
            ready.put_nowait((loop.time() + delay, data))
            if not data:
                await sending
                return
    return run()

async def serve(reader, writer):
    far_reader, far_writer = await asyncio.open_connection(address, port)
    await asyncio.gather(pump(reader, far_writer, "client"), pump(far_reader, writer, "host"),
                         return_exceptions=True)

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(json.dumps(turns), flush=True)

asyncio.run(main())
"""


@dataclass(kw_only=True)
class SlowLink:
    """The near end of the distance; ``turns`` is known once it is closed."""

    port: int
    turns: int = field(default=0)


@contextlib.contextmanager
def slow_link(hosts: SshdHosts, host: SshHost, trip: float) -> Iterator[SlowLink]:
    """Reach a host at ``127.0.0.1`` and the given port, ``trip`` seconds there and back."""
    words = ("-I", "-S", "-c", _PROXY, host.address, "22", str(trip / 2))
    argv = hosts.argv((sys.executable, *words))
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as proxy:
        assert proxy.stdout is not None
        made = SlowLink(port=int(proxy.stdout.readline()))
        try:
            yield made
        finally:
            told, _ = proxy.communicate(timeout=60)
            made.turns = int(json.loads(told.splitlines()[-1]))
