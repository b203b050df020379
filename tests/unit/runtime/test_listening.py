"""Filters that ask somebody: which make no sense, and what the listener is told."""

import os
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.linux.seccomp import SeccompFlag
from toolkit.runtime import listening

ASK = "SCMP_ACT_NOTIFY"


def profile(**changes: Any) -> dict[str, Any]:
    rule = {"names": ["mkdir"], "action": ASK}
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule], "listenerPath": "/s", **changes}


def test_one_that_makes_sense() -> None:
    listening.check(profile(flags=["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]))
    assert listening.asks(profile())
    assert not listening.asks({"defaultAction": "SCMP_ACT_ALLOW"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"listenerPath": ""}, "linux.seccomp.listenerPath: 'SCMP_ACT_NOTIFY' needs the socket"),
        ({"defaultAction": ASK}, "linux.seccomp.defaultAction: 'SCMP_ACT_NOTIFY' would ask"),
        (
            {"syscalls": [{"names": ["read", "sendmsg"], "action": ASK}]},
            "linux.seccomp.syscalls[0].names: 'sendmsg' cannot be asked about",
        ),
        ({"flags": ["LOG"]}, "linux.seccomp.flags[0]: unknown flag 'LOG'"),
        (
            {"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], "syscalls": []},
            "WAIT_KILLABLE_RECV is for a filter that asks a listener",
        ),
    ],
)
def test_one_that_makes_none(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(said)):
        listening.check(profile(**changes))


def test_flags_are_the_kernels() -> None:
    names = ("LOG", "SPEC_ALLOW", "TSYNC")
    flags = listening.load_flags({"flags": [f"SECCOMP_FILTER_FLAG_{name}" for name in names]})
    assert flags == SeccompFlag.LOG | SeccompFlag.SPEC_ALLOW  # one thread needs no TSYNC


def test_the_listener_is_told_what_it_asked_for(tmp_path: Path) -> None:
    place = tmp_path / ("long" * 30) / "agent.sock"  # longer than an address may be
    place.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        handle = os.open(place.parent, os.O_PATH)
        server.bind(f"/proc/self/fd/{handle}/agent.sock")
        os.close(handle)
        server.listen()
        told: dict[str, Any] = {}
        asked = profile(listenerPath=str(place), listenerMetadata="mine")
        (fd,) = listening.extend(told, asked, {"id": "box"})
        server.accept()[0].close()
        os.close(fd)
    assert told["listener"] == {"ociVersion": "1.2.0", "fds": ["seccompFd"], "metadata": "mine"}
    assert told["state"] == {"id": "box"}


def test_nobody_listens(tmp_path: Path) -> None:
    path = f"{tmp_path}/none"
    with pytest.raises(UnavailableError, match=rf"linux\.seccomp\.listenerPath: '{path}': No such"):
        listening.extend({}, profile(listenerPath=path), {})
