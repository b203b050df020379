"""Log in to a real sshd, start the agent there, lose it in every way."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable

import pytest

from support.sshd_hosts import SshdHosts, SshHost
from toolkit.core.errors import (
    NotFoundError,
    ToolkitError,
    UnavailableError,
    UnsupportedError,
)
from toolkit.ssh import connect
from toolkit.ssh.link import StreamLink

pytestmark = pytest.mark.root
Open = Callable[..., StreamLink]


def test_the_agent_runs_there(link_to: Open, host: SshHost) -> None:
    answer = link_to(host).call("ping", {"echo": "hello"}).result
    assert (answer["hostname"], answer["uid"], answer["echo"]) == (host.name, 0, "hello")


def test_files_and_programs_are_the_hosts_own(link_to: Open, host: SshHost) -> None:
    link = link_to(host)
    link.call("write", {"path": "/root/a", "mode": 0o600}, body=b"\0there")
    assert (host.root / "root/a").read_bytes() == b"\0there"
    assert link.call("run", {"argv": ["hostname"]}).result["stdout"] == f"{host.name}\n"
    with pytest.raises(NotFoundError, match="no such file: '/no/such'"):
        link.call("read", {"path": "/no/such"})


def test_much_goes_both_ways(link_to: Open, host: SshHost) -> None:
    data = os.urandom(1 << 20) * 12
    script = "cat; head -c 6000000 /dev/zero >&2"
    reply = link_to(host).call("run", {"argv": ["sh", "-c", script], "binary": True}, body=data)
    cut = reply.result["stdout_size"]
    assert reply.body[:cut] == data
    assert len(reply.body) - cut == 6_000_000


def test_stderr_that_nobody_reads_stops_nothing(link_to: Open, host: SshHost) -> None:
    link = link_to(host)
    script = "head -c 6000000 /dev/zero | tr '\\0' x > /proc/$PPID/fd/2"
    assert link.call("run", {"argv": ["sh", "-c", script]}).result["status"] == 0


def test_the_code_is_sent_once(link_to: Open, host: SshHost) -> None:
    shutil.rmtree(host.cache, ignore_errors=True)
    with link_to(host) as link:
        link.call("ping", {})
    (first,) = host.cache.iterdir()
    before = (first.stat().st_ino, (first / ".manifest").stat().st_mtime_ns)
    with link_to(host) as link:
        link.call("ping", {})
    (second,) = host.cache.iterdir()
    assert (second.stat().st_ino, (second / ".manifest").stat().st_mtime_ns) == before
    assert (second.stat().st_uid, second.stat().st_mode & 0o777) == (0, 0o700)


def test_two_first_links_at_once(link_to: Open, host: SshHost) -> None:
    shutil.rmtree(host.cache, ignore_errors=True)
    pids: list[int] = []

    def ask() -> None:
        pids.append(link_to(host).call("ping", {}).result["pid"])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3
    assert len(list(host.cache.iterdir())) == 1


def test_a_full_cache_is_named(link_to: Open, host: SshHost) -> None:
    host.run("mkdir", "-p", "/run/small")
    host.run("mount", "-t", "tmpfs", "-o", "size=100k,mode=0755", "tmpfs", "/run/small")
    try:
        with pytest.raises(UnavailableError) as caught:
            link_to(host, agent_dir="/run/small/cache")
        assert f"host '{host.name}': cannot keep the agent's code in '/run/small/cache'" in str(
            caught.value
        )
        assert "No space left on device" in caught.value.message
        assert list((host.root / "run/small/cache").iterdir()) == []
    finally:
        host.run("umount", "/run/small")


def test_a_read_only_cache_is_named(link_to: Open, host: SshHost) -> None:
    host.run("mkdir", "-p", "/run/fixed")
    host.run("mount", "-t", "tmpfs", "-o", "ro,mode=0755", "tmpfs", "/run/fixed")
    try:
        with pytest.raises(UnavailableError, match="Read-only file system"):
            link_to(host, agent_dir="/run/fixed/cache")
    finally:
        host.run("umount", "/run/fixed")


def test_a_host_without_python(link_to: Open, host: SshHost) -> None:
    pythons = [path.name for path in (host.root / "usr/bin").glob("python3*")]
    hidden = {name: f"{name}.hidden" for name in pythons}
    for name, other in hidden.items():
        (host.root / "usr/bin" / name).rename(host.root / "usr/bin" / other)
    try:
        with pytest.raises(UnsupportedError, match=f"host '{host.name}': it has no python3") as one:
            link_to(host)
        assert "apt-get install python3" in one.value.hint
    finally:
        for name, other in hidden.items():
            (host.root / "usr/bin" / other).rename(host.root / "usr/bin" / name)


def test_a_login_script_that_prints_does_no_harm(link_to: Open, host: SshHost) -> None:
    script = host.root / "root/.bashrc"
    script.write_text("echo Welcome; echo 'to this host'\n")
    (host.root / "root/.profile").write_text("echo Welcome\n")
    try:
        assert link_to(host).call("ping", {"echo": 1}).result["echo"] == 1
    finally:
        script.unlink()


def lose(link: StreamLink, how: Callable[[], None]) -> UnavailableError:
    """The error of a request that is cut off in the middle."""
    caught: list[UnavailableError] = []

    def ask() -> None:
        try:
            link.call("run", {"argv": ["sleep", "1234"]})
        except UnavailableError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    how()
    thread.join(timeout=20)
    return caught[0]


def test_an_agent_that_is_killed(link_to: Open, host: SshHost) -> None:
    link = link_to(host)
    (agent,) = wait_for(host, "-I -S -c")

    def kill() -> None:
        wait_for(host, "sleep 1234")
        os.kill(agent, signal.SIGKILL)

    error = lose(link, kill)
    assert f"host '{host.name}': link lost during 'run'" in error.message
    for pid in host.pids("sleep 1234"):
        os.kill(pid, signal.SIGKILL)


def test_a_connection_that_breaks_ends_what_ran_there(link_to: Open, host: SshHost) -> None:
    link = link_to(host)

    def kill() -> None:
        wait_for(host, "sleep 1234")
        for pid in host.pids("sshd: root"):
            os.kill(pid, signal.SIGKILL)

    error = lose(link, kill)
    assert f"host '{host.name}': link lost during 'run'" in error.message
    wait_for_none(host, "sleep 1234")
    wait_for_none(host, "-I -S -c")


def test_a_network_that_goes_away_is_noticed(
    link_to: Open, sshd_hosts: SshdHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "USER_TIMEOUT_MS", 1500)
    monkeypatch.setattr(connect, "KEEPALIVE_SECONDS", 1)
    host = sshd_hosts.hosts[1]
    link = link_to(host)

    def unplug() -> None:
        wait_for(host, "sleep 1234")
        host.run("ip", "link", "set", "dev", "eth0", "down")

    try:
        error = lose(link, unplug)
    finally:
        host.run("ip", "link", "set", "dev", "eth0", "up")
        for pid in host.pids("sleep 1234"):
            os.kill(pid, signal.SIGKILL)
    assert f"host '{host.name}': link lost during 'run'" in error.message


def test_closing_the_link_ends_what_ran_there(link_to: Open, host: SshHost) -> None:
    link = link_to(host)

    def close() -> None:
        wait_for(host, "sleep 1234")
        link.close()

    lose(link, close)
    wait_for_none(host, "sleep 1234")
    wait_for_none(host, "-I -S -c")


def test_an_error_leaves_the_link_usable(link_to: Open, host: SshHost) -> None:
    link = link_to(host)
    with pytest.raises(ToolkitError):
        link.call("run", {"argv": ["no-such"]})
    assert link.call("ping", {"echo": 1}).result["echo"] == 1


def wait_for(host: SshHost, text: str) -> list[int]:
    deadline = time.monotonic() + 10
    found: list[int] = []
    while not (found := host.pids(text)):
        assert time.monotonic() < deadline, f"'{text}' does not run"
        time.sleep(0.02)
    return found


def wait_for_none(host: SshHost, text: str) -> None:
    deadline = time.monotonic() + 10
    while host.pids(text):
        assert time.monotonic() < deadline, f"'{text}' still runs"
        time.sleep(0.05)
