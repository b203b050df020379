"""``engine``: the units that serve Docker's API."""

import configparser

import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks.engine import FOLDER, SERVICE, SOCKET


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.engine(made)
    return made


def unit(host: FakeHost, name: str) -> configparser.ConfigParser:
    found = configparser.ConfigParser(interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign] # case counts in unit files
    found.read_string(host.files.read(f"{FOLDER}/{name}").decode())
    return found


def test_a_socket_starts_the_server_and_a_stop_leaves_containers_alone(host: FakeHost) -> None:
    done = run(host, "engine")
    assert done.values == {"socket": "/run/dockyard/engine.sock", "group": "dockyard"}
    socket, service = unit(host, SOCKET), unit(host, SERVICE)
    assert socket["Socket"]["ListenStream"] == "/run/dockyard/engine.sock"
    assert (socket["Socket"]["SocketMode"], socket["Socket"]["SocketGroup"]) == ("0660", "dockyard")
    assert service["Service"]["ExecStart"] == "/usr/local/bin/dockyard engine serve"
    assert service["Service"]["KillMode"] == "process"
    assert service["Service"]["Delegate"] == "yes"
    assert described(done)[-3:] == [f"enable {SOCKET}", f"enable {SERVICE}", f"start {SOCKET}"]
    assert not run(host, "engine").changed


def test_a_changed_unit_restarts_the_server(host: FakeHost) -> None:
    run(host, "engine")
    host.services.start(SERVICE)
    tls = {"tls_cert": "/c", "tls_key": "/k", "tls_ca": "/a"}
    done = run(host, "engine", tcp="0.0.0.0:2376", **tls)
    assert described(done)[-2:] == ["reload systemd", f"restart {SERVICE}"]
    wanted = "--tcp 0.0.0.0:2376 --tls-cert /c --tls-key /k --tls-ca /a"
    assert unit(host, SERVICE)["Service"]["ExecStart"].endswith(wanted)


def test_a_changed_socket_is_made_anew(host: FakeHost) -> None:
    run(host, "engine")
    host.services.start(SERVICE)
    done = run(host, "engine", socket="/run/docker.sock")
    assert described(done)[-2:] == [f"stop {SERVICE}", f"restart {SOCKET}"]


def test_nothing_is_started_where_systemd_does_not_run(host: FakeHost) -> None:
    host.services.manager = False
    assert f"start {SOCKET}" not in described(run(host, "engine"))
    assert host.services.unit(SOCKET).enabled == "enabled"


def test_what_is_not_there_cannot_serve(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="there is no '/opt/dockyard' on this host"):
        run(host, "engine", program="/opt/dockyard")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"tcp": "0.0.0.0:2376"}, "tcp needs tls_cert"),
        ({"tls_ca": "/ca"}, "no meaning without tcp"),
        ({"socket": "engine.sock"}, "no absolute path"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: dict[str, str], words: str) -> None:
    host = FakeHost()
    with pytest.raises(InvalidInputError, match=words):
        run(host, "engine", **arguments)
