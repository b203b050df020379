"""Maps of ids: what they lead to, which make no sense, and who writes them."""

import os
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, UnsupportedError
from toolkit.oci.spec import IdMapping, Linux, Namespace, Process, Spec, User
from toolkit.runtime import idmaps
from toolkit.runtime.support_user import check_user


def ranges(*found: tuple[int, int, int]) -> tuple[IdMapping, ...]:
    return tuple(
        IdMapping(container_id=inside, host_id=outside, size=size)
        for inside, outside, size in found
    )


TWO = ranges((0, 1000, 1), (1, 200_000, 100))


@pytest.mark.parametrize(
    ("inside", "outside"), [(0, 1000), (1, 200_000), (100, 200_099), (101, None)]
)
def test_an_id_has_another_in_the_host(inside: int, outside: int | None) -> None:
    assert idmaps.to_host(TWO, inside) == outside


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        (ranges((0, 5, 0)), "a range of 0 ids from 0 to 5 is none"),
        (ranges((0, -5, 1)), "a range of 1 ids from 0 to -5 is none"),
        (ranges((0, 2**32 - 2, 2)), "ids from 0 to 4294967294 is none"),
        (ranges((0, 5, 2), (1, 9, 1)), r"at\[1\].containerID: the range overlaps"),
        (ranges((0, 5, 2), (2, 6, 1)), r"at\[1\].hostID: the range overlaps"),
        (ranges((1, 5, 2)), "id 0 of the container is not mapped"),
        (ranges(*((number, number, 1) for number in range(341))), "341 ranges are more"),
    ],
)
def test_what_the_kernel_would_refuse(maps: tuple[IdMapping, ...], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        idmaps.check(maps, "at")


def test_what_it_takes() -> None:
    idmaps.check(TWO, "at")


def test_our_own_map_is_read() -> None:
    assert idmaps.to_host(idmaps.read_maps(os.getpid(), "uid_map"), 0) is not None


def spec(user: User, *, path: str = "") -> Spec:
    listed = (Namespace(type="user", path=path),)
    linux = Linux(namespaces=listed, uid_mappings=TWO, gid_mappings=TWO)
    return Spec(linux=linux, process=Process(cwd="/", user=user))


def test_the_process_must_be_somebody_there() -> None:
    check_user(spec(User(uid=1, gid=100)))
    with pytest.raises(InvalidInputError, match=r"process\.user\.gid: 101 is not mapped"):
        check_user(spec(User(gid=101)))


def test_maps_beside_a_path_are_not_looked_at() -> None:
    check_user(spec(User(uid=5000), path="/proc/self/ns/user"))


def test_who_is_not_root_asks_a_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "newuidmap"
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\n[ $1 = 7 ]\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    idmaps.ask("newuidmap", 7, TWO)
    assert (tmp_path / "said").read_text() == "7 0 1000 1 1 200000 100\n"
    with pytest.raises(UnsupportedError, match="'newuidmap' refuses the mapping"):
        idmaps.ask("newuidmap", 8, TWO)
    with pytest.raises(UnsupportedError, match="'new-map' is not installed"):
        idmaps.ask("new-map", 7, TWO)
