"""Log in as an ordinary user and have the agent run as another one, by Debian's sudo."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.sshd_hosts import SshHost
from toolkit.core.errors import UnavailableError
from toolkit.ssh.link import StreamLink

pytestmark = pytest.mark.root
Open = Callable[..., StreamLink]


@pytest.fixture
def rights(host: SshHost, require: Callable[[str], str]) -> Path:
    """What the user ``ops`` of the host may do; nothing at first."""
    require("sudo")
    if "ops:" not in (host.root / "etc/passwd").read_text():
        host.run("useradd", "--create-home", "--shell", "/bin/sh", "--password", "*", "ops")
    path = host.root / "etc/sudoers.d/ops"
    path.unlink(missing_ok=True)
    return path


def test_without_it_the_agent_is_the_users_own(link_to: Open, host: SshHost, rights: Path) -> None:
    del rights
    link = link_to(host, user="ops")
    assert link.call("ping", {}).result["uid"] == int(host.run("id", "-u", "ops"))
    (kept,) = (host.root / "home/ops/.cache/dockyard").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o700


def test_a_user_with_the_right_becomes_root(link_to: Open, host: SshHost, rights: Path) -> None:
    rights.write_text("Defaults use_pty\nops ALL=(ALL) NOPASSWD: ALL\n")
    link = link_to(host, user="ops", become="root")
    assert link.call("ping", {}).result["uid"] == 0
    reply = link.call("run", {"argv": ["cat"], "binary": True}, body=b"\0\xff\n" * 100_000)
    assert reply.body == b"\0\xff\n" * 100_000


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "a password is required"),
        ("ops ALL=(ALL) ALL", "a password is required"),
        ("Defaults requiretty\nops ALL=(ALL) NOPASSWD: ALL", "must have a tty"),
    ],
)
def test_sudo_that_refuses_is_quoted(
    link_to: Open, host: SshHost, rights: Path, line: str, why: str
) -> None:
    rights.write_text(f"{line}\n")
    with pytest.raises(UnavailableError, match=f"host '{host.name}': cannot become 'root'") as one:
        link_to(host, user="ops", become="root")
    assert why in one.value.message
    assert "NOPASSWD" in one.value.hint


@pytest.fixture
def password(host: SshHost, rights: Path) -> str:
    """The password of ``ops``, whom sudo asks for it."""
    host.run("sh", "-c", "echo ops:correct-horse | chpasswd")
    rights.write_text("Defaults passwd_tries=3\nops ALL=(ALL) ALL\n")
    return "correct-horse"


def test_sudo_is_told_its_password_and_nobody_else(
    link_to: Open, host: SshHost, password: str
) -> None:
    link = link_to(host, user="ops", become="root", become_password=password)
    assert link.call("ping", {}).result["uid"] == 0
    assert not host.pids(password)
    for pid in host.pids("python3"):
        assert password.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    reply = link.call("run", {"argv": ["cat"], "binary": True}, body=b"\0\xff\n" * 1000)
    assert reply.body == b"\0\xff\n" * 1000


def test_a_wrong_password_is_told_from_a_missing_right(
    link_to: Open, host: SshHost, rights: Path, password: str
) -> None:
    with pytest.raises(UnavailableError, match="'root': sudo refuses the password") as one:
        link_to(host, user="ops", become="root", become_password="wrong-horse")
    assert "wrong-horse" not in str(one.value)
    rights.unlink()
    with pytest.raises(UnavailableError, match="cannot become 'root'") as one:
        link_to(host, user="ops", become="root", become_password=password)
    assert "not in the sudoers" in one.value.message
    assert "[dockyard" not in one.value.message


def test_a_password_that_nobody_asks_for_is_not_sent(
    link_to: Open, host: SshHost, rights: Path
) -> None:
    rights.write_text("ops ALL=(ALL) NOPASSWD: ALL\n")
    link = link_to(host, user="ops", become="root", become_password="never-told")
    assert link.call("ping", {}).result["uid"] == 0


def test_who_is_root_already_needs_no_sudo(link_to: Open, host: SshHost, rights: Path) -> None:
    del rights
    assert link_to(host, become="root").call("ping", {}).result["uid"] == 0


def test_a_host_without_sudo(link_to: Open, host: SshHost, rights: Path) -> None:
    rights.write_text("ops ALL=(ALL) NOPASSWD: ALL\n")
    sudo, away = host.root / "usr/bin/sudo", host.root / "usr/bin/sudo.away"
    sudo.rename(away)
    try:
        with pytest.raises(UnavailableError, match=r"cannot become 'root': .*sudo"):
            link_to(host, user="ops", become="root")
    finally:
        away.rename(sudo)
