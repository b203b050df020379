import pytest

from toolkit.conformance import profile
from toolkit.core.errors import NotFoundError


@pytest.mark.parametrize("name", profile.names())
def test_every_profile_that_ships_is_whole(name: str) -> None:
    found = profile.load(name)
    assert found.name == name
    assert found.kind in ("engine", "oci")
    assert found.masked_files


def test_there_is_one_for_each_runtime() -> None:
    assert set(profile.names()) == {
        *("docker", "docker-20", "nerdctl", "podman", "runc-spec", "embedded")
    }


def test_a_profile_says_only_what_differs() -> None:
    docker, nerdctl = profile.load("docker"), profile.load("nerdctl")
    assert nerdctl.capabilities == docker.capabilities
    assert "/proc/interrupts" not in nerdctl.masked_files


def test_capabilities_are_those_of_the_runtimes() -> None:
    sizes = {name: len(profile.load(name).capabilities) for name in profile.names()}
    engines = dict.fromkeys(("docker", "docker-20", "embedded", "nerdctl"), 14)
    assert sizes == {**engines, "podman": 11, "runc-spec": 3}


def test_an_unknown_profile_has_a_nearest_name() -> None:
    with pytest.raises(NotFoundError) as error:
        profile.load("podmann")
    assert error.value.hint == "did you mean 'podman'?"


def test_what_gets_past_has_a_reason() -> None:
    assert profile.load("docker").stops("unshare")
    podman, spec = profile.load("podman"), profile.load("runc-spec")
    assert not podman.stops("unshare")
    assert podman.stops("bpf")
    assert "by design" in podman.lenience
    assert not spec.stops("bpf")
    assert spec.lenience == "runc-spec loads no filter"


def test_an_older_engine_lets_more_past_and_no_more_than_that() -> None:
    old, new = profile.load("docker-20"), profile.load("docker")
    assert not old.stops("io_uring_setup")
    assert new.stops("io_uring_setup")
    assert old.stops("bpf")
    assert (old.open_devices, new.open_devices) == (("10:200",), ())
    assert old.capabilities == new.capabilities
