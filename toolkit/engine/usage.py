"""What runs in a container and what it uses: ``top`` and ``stats``."""

import os
import subprocess
import time

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.core.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from toolkit.cgroup.stats import Stats
    from toolkit.engine.engine import Engine

_TICKS = os.sysconf("SC_CLK_TCK")
_NANO = 10**9


@record
class Table:
    """Processes as ``ps`` shows them."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@record
class Traffic:
    """Bytes and packets through one link of a container."""

    name: str
    rx_bytes: int
    rx_packets: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int
    tx_dropped: int


@record
class Sample:
    """One look: ``at`` seconds since 1970, ``host_ns`` processor time of all processors together
    so far, ``host_memory`` bytes there are.
    """

    id: str
    name: str
    at: float
    stats: "Stats"
    traffic: tuple[Traffic, ...]
    cpus: int
    host_ns: int
    host_memory: int

    @property
    def memory(self) -> int:
        """Bytes in use without what the kernel would drop at once, as Docker's client counts."""
        return max(0, (self.stats.memory_usage or 0) - (self.stats.memory_cache or 0))

    @property
    def memory_limit(self) -> int:
        """The limit in bytes; the machine's memory where there is none."""
        return min(self.stats.memory_limit or self.host_memory, self.host_memory)


def cpu_percent(before: Sample, now: Sample) -> float:
    """Processor time between two looks, in percent of one processor."""
    used = ((now.stats.cpu_usage_us or 0) - (before.stats.cpu_usage_us or 0)) * 1000
    whole = now.host_ns - before.host_ns
    return used / whole * now.cpus * 100 if used > 0 and whole > 0 else 0.0


def top(engine: "Engine", reference: str, arguments: tuple[str, ...] = ()) -> Table:
    """The processes of a running container, by the host's ``ps`` and its arguments (``-ef``)."""
    view = engine.running(reference)
    pids = set(engine.kernel.processes(engine.settings.state_dir(view.id)))
    argv = ("ps", *(arguments or ("-ef",)))
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UnavailableError(
            "the processes cannot be shown: there is no 'ps'", hint="install procps"
        ) from None
    if done.returncode:
        raise InvalidInputError(f"ps: {done.stderr.strip().splitlines()[0]}")
    return _of(done.stdout, pids)


def _of(text: str, pids: set[int]) -> Table:
    """The lines of ``ps`` about these processes; the last column may hold blanks."""
    head, *lines = text.splitlines()
    titles = head.split()
    if "PID" not in titles:
        raise InvalidInputError(
            "ps: its output has no column 'PID'", hint="ask for it, as in -o pid,args"
        )
    place = titles.index("PID")
    rows = [line.split(None, len(titles) - 1) for line in lines]
    return Table(
        titles=tuple(titles),
        rows=tuple(
            tuple(row)
            for row in rows
            if len(row) > place and row[place].isdigit() and int(row[place]) in pids
        ),
    )


def sample(engine: "Engine", reference: str) -> Sample:
    """Look at a running container once."""
    view = engine.running(reference)
    return Sample(
        id=view.id,
        name=view.name,
        at=time.time(),
        stats=engine.kernel.stats(engine.settings.state_dir(view.id)),
        traffic=() if view.config.network == "host" else _traffic(view.pid),
        cpus=os.cpu_count() or 1,
        host_ns=_host_time(),
        host_memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    )


def _traffic(pid: int) -> tuple[Traffic, ...]:
    """proc_pid_net(5): two lines of head, then a name and sixteen numbers."""
    try:
        with open(f"/proc/{pid}/net/dev", encoding="ascii") as file:
            lines = file.read().splitlines()[2:]
    except (FileNotFoundError, ProcessLookupError):
        return ()
    found = []
    for line in lines:
        name, _, numbers = line.partition(":")
        values = [int(one) for one in numbers.split()]
        if name.strip() != "lo":
            found.append(
                Traffic(
                    name=name.strip(),
                    rx_bytes=values[0],
                    rx_packets=values[1],
                    rx_errors=values[2],
                    rx_dropped=values[3],
                    tx_bytes=values[8],
                    tx_packets=values[9],
                    tx_errors=values[10],
                    tx_dropped=values[11],
                )
            )
    return tuple(found)


def _host_time() -> int:
    """The first line of proc_stat(5): user to steal, in ticks."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = file.readline().split()[1:9]
    return sum(map(int, fields)) * _NANO // _TICKS
