import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from toolkit.ssh.connect import preferred
from toolkit.ssh.hostkeys import HostKeyError, Key, Known, KnownHosts

GOOD = Key(kind="ssh-ed25519", blob=b"good")
BAD = Key(kind="ssh-ed25519", blob=b"evil")
RSA = Key(kind="ssh-rsa", blob=b"rsa")


def line(hosts: str, key: Key, marker: str = "") -> str:
    return f"{marker} {hosts} {key.kind} {base64.b64encode(key.blob).decode()} a comment".strip()


def hashed(name: str) -> str:
    salt = b"salt-of-twenty-bytes"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    (tmp_path / "known").write_text("\n".join(lines) + "\n")
    return KnownHosts.load((str(tmp_path / "known"),))


@pytest.mark.parametrize(
    ("hosts", "name", "port"),
    [
        ("web", "web", 22),
        ("other,web,10.0.0.1", "WEB", 22),
        ("*.example,!db.example", "web.example", 22),
        ("10.0.0.?", "10.0.0.7", 22),
        ("[web]:2222", "web", 2222),
        ("web", "web", 2222),
        (hashed("web"), "web", 22),
        (hashed("[web]:2222"), "web", 2222),
    ],
)
def test_the_right_key_is_taken(tmp_path: Path, hosts: str, name: str, port: int) -> None:
    known(tmp_path, "# comment", "", line(hosts, GOOD)).verify(name, port, GOOD)


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        ("web", "web2"),
        ("*.example,!db.example", "db.example"),
        ("[web]:2222", "web"),
        (hashed("web"), "db"),
        ("|1|broken|b", "web"),
        ("we.b", "weab"),
    ],
)
def test_a_key_of_another_host_is_unknown(tmp_path: Path, hosts: str, name: str) -> None:
    with pytest.raises(HostKeyError, match=f"host key of '{name}' is unknown: ssh-ed25519 SHA256:"):
        known(tmp_path, line(hosts, GOOD)).verify(name, 22, GOOD)


def test_an_unknown_key_says_how_to_add_it(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError) as caught:
        known(tmp_path).verify("web", 2222, GOOD)
    assert f"ssh-keyscan -p 2222 web >> {tmp_path}/known" in caught.value.hint
    assert caught.value.exit_status == 4


@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_key_is_always_refused(tmp_path: Path, accept_new: bool) -> None:
    files = known(tmp_path, "", line("web", GOOD))
    with pytest.raises(HostKeyError, match=r"has changed.*known:2' has ssh-ed25519") as caught:
        files.verify("web", 22, BAD, accept_new=accept_new)
    assert f"ssh-keygen -R 'web' -f {tmp_path}/known" in caught.value.hint


def test_another_kind_of_key_is_a_change_too(tmp_path: Path) -> None:
    with pytest.raises(HostKeyError, match="has changed: it shows ssh-rsa"):
        known(tmp_path, line("web", GOOD)).verify("web", 22, RSA, accept_new=True)


def test_a_host_may_have_several_keys_of_one_kind(tmp_path: Path) -> None:
    files = known(tmp_path, line("web", BAD), line("web", GOOD), line("web", RSA))
    files.verify("web", 22, GOOD)
    files.verify("web", 22, RSA)
    assert [one.key for one in files.keys("web", 22)] == [BAD, GOOD, RSA]


def test_a_ports_own_line_goes_before_the_bare_name(tmp_path: Path) -> None:
    files = known(tmp_path, line("web", BAD), line("[web]:2222", GOOD))
    files.verify("web", 2222, GOOD)
    with pytest.raises(HostKeyError):
        files.verify("web", 2222, BAD)


def test_a_revoked_key_is_refused_whatever_else_is_known(tmp_path: Path) -> None:
    files = known(tmp_path, line("web", GOOD), line("*", GOOD, "@revoked"))
    with pytest.raises(HostKeyError, match=r"revoked by '.*known:2'"):
        files.verify("web", 22, GOOD)


def test_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    authority = line("*", BAD, "@cert-authority")
    odd = ("nonsense", "web ssh-ed25519 !!!", "web 2048 35", "\xff\xfe", authority)
    known(tmp_path, *odd, line("web", GOOD)).verify("web", 22, GOOD)


def test_accept_new_writes_the_key_down(tmp_path: Path) -> None:
    files = KnownHosts.load((str(tmp_path / "new/known"),))
    files.verify("web", 2222, GOOD, accept_new=True)
    again = KnownHosts.load((str(tmp_path / "new/known"),))
    again.verify("web", 2222, GOOD)
    with pytest.raises(HostKeyError):
        again.verify("web", 22, GOOD)
    assert again.known[0].hosts == "[web]:2222"


def test_the_users_own_file_is_read(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").write_text(line("web", GOOD) + "\n")
    KnownHosts.load().verify("web", 22, GOOD)
    assert KnownHosts.load().add_to == f"{tmp_path}/.ssh/known_hosts"


def test_a_fingerprint_reads_as_ssh_keygen_shows_it() -> None:
    digest = base64.b64encode(hashlib.sha256(b"good").digest()).decode().rstrip("=")
    assert GOOD.fingerprint == f"ssh-ed25519 SHA256:{digest}"


def test_known_kinds_are_asked_for_first() -> None:
    offered = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
    assert preferred(offered, []) == offered
    assert preferred(offered, ["ecdsa-sha2-nistp256"])[0] == "ecdsa-sha2-nistp256"
    assert preferred(offered, ["ssh-rsa"])[:2] == ("rsa-sha2-512", "rsa-sha2-256")


def test_a_known_line_is_a_value() -> None:
    one = Known(hosts="web", key=GOOD, revoked=False, place="f:1")
    assert one == Known(hosts="web", key=GOOD, revoked=False, place="f:1")
    assert "good" not in repr(one)
