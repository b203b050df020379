"""Time two things in turn, in one run, and make a row of their medians."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Self

RUNS = 20
WARM_UPS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """``ratio`` is ours / peer; for rates the inverse, so that lower is always better."""

    name: str
    ours: float
    peer: float
    ratio: float
    goal: float
    unit: str
    runs: int

    def as_data(self) -> dict[str, object]:
        """The row as ``--json`` writes it."""
        rounded = {
            "ours": f"{self.ours:.4g}",
            "peer": f"{self.peer:.4g}",
            "ratio": f"{self.ratio:.3f}",
        }
        return {**asdict(self), **{key: float(value) for key, value in rounded.items()}}


def timed(action: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def in_turn(
    name: str,
    *,
    goal: float,
    ours: Callable[[], float],
    peer: Callable[[], float],
    runs: int = RUNS,
) -> Row:
    """Call both in turn ``runs`` times after a warm-up; each call returns its seconds."""
    for _ in range(WARM_UPS):
        ours(), peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    return Row(
        name=name, ours=mine, peer=theirs, ratio=mine / theirs, goal=goal, unit="s", runs=runs
    )


def rates_in_turn(
    name: str,
    *,
    goal: float,
    ours: Callable[[], float],
    peer: Callable[[], float],
    runs: int,
    unit: str = "Gb/s",
) -> Row:
    """The same of rates, of which more is better."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(runs)]
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    return Row(
        name=name, ours=mine, peer=theirs, ratio=theirs / mine, goal=goal, unit=unit, runs=runs
    )


_WORKER = """
import json, subprocess, sys, time
for line in sys.stdin:
    lines = json.loads(line)
    begin = time.perf_counter()
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
        for argv in lines
    ]
    said = [process.communicate()[1] for process in running]
    seconds = time.perf_counter() - begin
    failed = [(one.returncode, text) for one, text in zip(running, said) if one.returncode]
    status, text = failed[0] if failed else (0, "")
    print(json.dumps([seconds, status, text[-2000:]]), flush=True)
"""


class Commands:
    """Times whole commands from a small process of its own, which may stand in a namespace.

    ``prefix`` is put before the worker's own argv, as in ``unshare -m sh -c '…; exec "$@"' sh``.
    """

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        argv = [*prefix, sys.executable, "-I", "-S", "-c", _WORKER]
        self._worker = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._worker:
            if self._worker.stdin:
                self._worker.stdin.close()

    def seconds(self, argv: Sequence[str]) -> float:
        """The wall time of one command, which must end with status 0."""
        return self.together([argv])

    def together(self, lines: Sequence[Sequence[str]]) -> float:
        """The wall time of all these commands at once, until the last has ended."""
        assert self._worker.stdin
        assert self._worker.stdout
        self._worker.stdin.write(json.dumps([list(line) for line in lines]) + "\n")
        self._worker.stdin.flush()
        seconds, status, stderr = json.loads(self._worker.stdout.readline())
        if status != 0:
            raise RuntimeError(f"{' '.join(lines[0])} ended with status {status}: {stderr}")
        return float(seconds)
