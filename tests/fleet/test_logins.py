"""Who is let in and who is believed: host keys, login keys, addresses that do not answer."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.sshd_hosts import SshdHosts, SshHost
from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.ssh.hostkeys import HostKeyError
from toolkit.ssh.link import StreamLink

pytestmark = pytest.mark.root
Open = Callable[..., StreamLink]


@pytest.fixture
def user(sshd_hosts: SshdHosts) -> Iterator[Path]:
    """The user's ``.ssh``, put back afterwards."""
    before = sshd_hosts.known_hosts.read_text()
    yield sshd_hosts.home / ".ssh"
    sshd_hosts.known_hosts.write_text(before)
    (sshd_hosts.home / ".ssh/config").unlink(missing_ok=True)


def other_key(folder: Path) -> str:
    argv = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "other"))
    subprocess.run(argv, check=True, capture_output=True)
    return " ".join((folder / "other.pub").read_text().split()[:2])


def test_an_unknown_host_is_refused_with_its_fingerprint(
    link_to: Open, host: SshHost, user: Path
) -> None:
    (user / "known_hosts").write_text("")
    with pytest.raises(HostKeyError) as caught:
        link_to(host)
    assert caught.value.message.startswith(
        f"host '{host.name}': host key of '{host.address}' is unknown: ssh-ed25519 SHA256:"
    )
    assert f"ssh-keyscan -p 22 {host.address} >> {user}/known_hosts" in caught.value.hint


@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_key_is_refused(
    link_to: Open, host: SshHost, user: Path, tmp_path: Path, accept_new: bool
) -> None:
    (user / "known_hosts").write_text(f"{host.address} {other_key(tmp_path)}\n")
    with pytest.raises(HostKeyError, match=f"host '{host.name}': .* has changed") as caught:
        link_to(host, accept_new=accept_new)
    assert "known_hosts:1'" in caught.value.message
    assert "someone may stand in between" in caught.value.hint


def test_accept_new_writes_the_key_down_once(link_to: Open, host: SshHost, user: Path) -> None:
    (user / "known_hosts").write_text("")
    link_to(host, accept_new=True).close()
    assert (user / "known_hosts").read_text() == f"{host.address} {host.key_line}\n"
    link_to(host).close()


def test_a_known_hosts_file_of_the_inventory(
    link_to: Open, host: SshHost, user: Path, tmp_path: Path
) -> None:
    (user / "known_hosts").write_text("")
    (tmp_path / "known").write_text(f"{host.address} {host.key_line}\n")
    link_to(host, known_hosts=(str(tmp_path / "known"),))


def test_a_hashed_name_and_a_certificate_authority(
    link_to: Open, host: SshHost, user: Path, tmp_path: Path
) -> None:
    (user / "known_hosts").write_text(f"{host.address} {host.key_line}\n")
    argv = ("ssh-keygen", "-q", "-H", "-f", str(user / "known_hosts"))
    subprocess.run(argv, check=True, capture_output=True)
    hashed = (user / "known_hosts").read_text()
    assert hashed.startswith("|1|")
    (user / "known_hosts").write_text(f"@cert-authority * {other_key(tmp_path)}\n{hashed}")
    link_to(host)


def test_another_kind_of_key_that_is_known_is_asked_for(
    link_to: Open, host: SshHost, user: Path
) -> None:
    """The host has one kind of key; knowing another kind as well must not confuse."""
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQC7"
    (user / "known_hosts").write_text(f"{host.address} {rsa}\n{host.address} {host.key_line}\n")
    link_to(host)


def test_ssh_config_is_honoured(link_to: Open, host: SshHost, user: Path) -> None:
    (user / "config").write_text(
        f"Host box\n  HostName {host.address}\n  User root\n  HostKeyAlias thebox\n"
    )
    (user / "known_hosts").write_text(f"thebox {host.key_line}\n")
    assert link_to(host, address="box", user="").call("ping", {}).result["hostname"] == host.name


def test_known_hosts_files_that_ssh_config_names(
    link_to: Open, host: SshHost, user: Path, tmp_path: Path
) -> None:
    (user / "known_hosts").write_text("")
    (tmp_path / "known").write_text(f"{host.address} {host.key_line}\n")
    (user / "config").write_text(f"Host *\n  UserKnownHostsFile /dev/null {tmp_path}/known\n")
    link_to(host)


def test_ssh_config_cannot_turn_strictness_off(link_to: Open, host: SshHost, user: Path) -> None:
    (user / "known_hosts").write_text("")
    (user / "config").write_text("Host *\n  StrictHostKeyChecking no\n")
    with pytest.raises(HostKeyError, match="unknown"):
        link_to(host)


def test_a_jump_host_is_gone_through_and_verified(
    link_to: Open, sshd_hosts: SshdHosts, user: Path
) -> None:
    """The way is through the first host to itself: no network lies between the two hosts."""
    first = sshd_hosts.hosts[0]
    (user / "config").write_text(
        f"Host inner\n  HostName 127.0.0.1\n  User root\n  ProxyJump root@{first.address}\n"
    )
    config = first.root / "etc/dockyard-sshd/config"
    assert "ListenAddress 127.0.0.1" in config.read_text()
    (user / "known_hosts").write_text(f"127.0.0.1 {first.key_line}\n")
    with pytest.raises(HostKeyError, match=f"host key of '{first.address}' is unknown"):
        link_to(first, address="inner", user="")
    with (user / "known_hosts").open("a") as file:
        file.write(f"{first.address} {first.key_line}\n")
    answer = link_to(first, address="inner", user="").call("ping", {}).result
    assert answer["hostname"] == first.name


def test_a_jump_host_that_is_not_there_is_named(link_to: Open, host: SshHost, user: Path) -> None:
    (user / "config").write_text(f"Host inner\n  ProxyJump root@{host.address}:2022\n")
    with pytest.raises(UnavailableError, match=rf"root@{host.address}:2022: Connection refused"):
        link_to(host, address="inner")


@pytest.fixture
def elsewhere(sshd_hosts: SshdHosts, tmp_path: Path) -> Iterator[Path]:
    """The user's key, away from where it is looked for."""
    away = tmp_path / "key"
    sshd_hosts.key.rename(away)
    yield away
    away.rename(sshd_hosts.key)


def test_a_key_that_ssh_config_names(
    link_to: Open, host: SshHost, user: Path, elsewhere: Path
) -> None:
    with pytest.raises(UnavailableError, match="refused the login: there is no key"):
        link_to(host)
    (user / "config").write_text(f"Host *\n  IdentityFile {elsewhere}\n")
    link_to(host)


def test_a_key_that_an_agent_holds(
    link_to: Open, host: SshHost, elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sock = tmp_path / "agent"
    with subprocess.Popen(("ssh-agent", "-D", "-a", str(sock)), stdout=subprocess.DEVNULL) as agent:
        try:
            deadline = time.monotonic() + 5
            while not sock.exists() and time.monotonic() < deadline:
                time.sleep(0.02)
            monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
            subprocess.run(("ssh-add", "-q", str(elsewhere)), check=True)
            link_to(host).close()
        finally:
            agent.kill()


def test_a_key_that_is_not_let_in(link_to: Open, host: SshHost, tmp_path: Path) -> None:
    other_key(tmp_path)
    (tmp_path / "config").write_text("Host *\n  IdentitiesOnly yes\n")
    with pytest.raises(UnavailableError, match=r"root@.*:22 refused the login") as caught:
        link_to(host, key_files=(str(tmp_path / "other"),), ssh_config=str(tmp_path / "config"))
    assert "ansible_ssh_private_key_file" in caught.value.hint


def test_a_key_file_that_is_not_there(link_to: Open, host: SshHost, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no such key file"):
        link_to(host, key_files=(str(tmp_path / "none"),))


def test_a_port_where_nobody_listens(link_to: Open, host: SshHost) -> None:
    with pytest.raises(
        UnavailableError, match=r"no connection to root@.*:2022: Connection refused"
    ):
        link_to(host, port=2022)


def test_an_address_that_does_not_answer(link_to: Open, host: SshHost) -> None:
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=f"host '{host.name}'.* within 1 s|unreachable"):
        link_to(host, address="10.77.1.99", connect_timeout=1)
    assert time.monotonic() - began < 5


def test_a_name_that_nobody_knows(link_to: Open, host: SshHost) -> None:
    with pytest.raises(UnavailableError, match=f"host '{host.name}': no connection to"):
        link_to(host, address="no-such-name.invalid", connect_timeout=2)


def test_something_else_than_ssh_answers(
    link_to: Open, host: SshHost, sshd_hosts: SshdHosts
) -> None:
    server = subprocess.Popen(
        (
            "nsenter",
            "-t",
            str(host.pid),
            "-n",
            "--",
            "python3",
            "-c",
            "import socket; s = socket.create_server(('', 2023)); c = s.accept()[0]; "
            "c.sendall(b'220 mail\\r\\n' * 200); c.close()",
        ),
    )
    try:
        time.sleep(0.3)
        with pytest.raises(UnavailableError, match=f"host '{host.name}': no connection to"):
            link_to(host, port=2023, connect_timeout=3)
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def guest(host: SshHost) -> str:
    """The password of the user ``guest``, whom no key lets in."""
    if "guest:" not in (host.root / "etc/passwd").read_text():
        host.run("useradd", "--create-home", "--shell", "/bin/sh", "guest")
    host.run("sh", "-c", "echo guest:open-sesame | chpasswd")
    return "open-sesame"


def test_a_password_opens_where_no_key_does(
    link_to: Open, host: SshHost, user: Path, guest: str
) -> None:
    (user / "id_ed25519").rename(user / "away")
    try:
        link = link_to(host, user="guest", password=guest)
        assert link.call("ping", {}).result["uid"] == int(host.run("id", "-u", "guest"))
        assert not host.pids(guest)
        with pytest.raises(
            UnavailableError, match="refused the login: Authentication failed"
        ) as one:
            link_to(host, user="guest", password="open-barley")
        assert "open-barley" not in str(one.value)
    finally:
        (user / "away").rename(user / "id_ed25519")


def test_a_password_is_not_told_to_a_host_with_another_key(
    link_to: Open, host: SshHost, user: Path, tmp_path: Path, guest: str
) -> None:
    (user / "known_hosts").write_text(f"{host.address} {other_key(tmp_path)}\n")
    with pytest.raises(HostKeyError, match="has changed"):
        link_to(host, user="guest", password=guest)
