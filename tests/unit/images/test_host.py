import io
import os
import tarfile
from pathlib import Path

import pytest

from toolkit.images.host import host_binds, host_layer
from toolkit.images.host_stamp import host_stamp

SECRETS = {
    "shadow": "root:$6$hash",
    "gshadow": "x",
    "machine-id": "1234",
    "ssh/ssh_host_ed25519_key": "PRIVATE",
    "ssl/private/key.pem": "PRIVATE",
    "ssl/certs/own.pem": "OWN",
}


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """A small merged-usr machine."""
    root = tmp_path / "machine"
    for name in ("usr/bin", "usr/lib", "usr/share/ca", "etc/alternatives", "etc/ssl/private"):
        (root / name).mkdir(parents=True)
    for name in ("etc/ssl/certs", "etc/ssh", "etc/ld.so.conf.d", "opt"):
        (root / name).mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    (root / "lib").symlink_to("usr/lib")
    (root / "lib64").symlink_to("usr/lib")
    (root / "usr/bin/vim").write_text("")
    (root / "usr/lib/os-release").write_text("ID=debian\n")
    (root / "usr/share/ca/a.crt").write_text("A")
    (root / "opt/tool").write_text("")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nold:$1$hash:5:5::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nold:hash:5:\n")
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    (root / "etc/ld.so.conf.d/a.conf").write_text("/usr/lib/a\n")
    (root / "etc/alternatives/editor").symlink_to(root / "usr/bin/vim")
    (root / "etc/alternatives/tool").symlink_to(root / "opt/tool")
    (root / "etc/ssl/certs/a.pem").symlink_to(root / "usr/share/ca/a.crt")
    (root / "etc/ssl/certs/ca-certificates.crt").write_text("ALL")
    for name, text in SECRETS.items():
        (root / "etc" / name).write_text(text)
    return f"{root}/"


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as made:
        return {item.name: item for item in made}


def content(data: bytes, name: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(data)) as made:
        file = made.extractfile(name)
        assert file is not None
        return file.read().decode()


def test_has_the_directories_of_a_root(machine: str) -> None:
    made = members(host_layer(machine))

    for name in ("dev", "proc", "sys", "run", "tmp", "usr", "var/tmp", "root", "home"):
        assert made[name].isdir()
    assert made["tmp"].mode == 0o1777
    assert made["root"].mode == 0o700
    assert made["var/run"].linkname == "/run"


def test_links_into_usr_as_the_machine_does(machine: str) -> None:
    made = members(host_layer(machine))

    assert made["bin"].linkname == "usr/bin"
    assert made["lib64"].linkname == "usr/lib"
    assert "lib32" not in made
    assert host_binds(machine) == ((f"{machine}usr", "/usr"),)


def test_binds_what_is_not_merged_into_usr(machine: str) -> None:
    os.unlink(f"{machine}bin")
    os.mkdir(f"{machine}bin")

    assert members(host_layer(machine))["bin"].isdir()
    assert host_binds(machine) == ((f"{machine}usr", "/usr"), (f"{machine}bin", "/bin"))


def test_takes_accounts_without_passwords(machine: str) -> None:
    made = host_layer(machine)

    assert content(made, "etc/passwd") == ("root:x:0:0:root:/root:/bin/sh\nold:x:5:5::/:/bin/sh\n")
    assert content(made, "etc/group") == "root:x:0:\nold:x:5:\n"


def test_takes_no_secret(machine: str) -> None:
    data = host_layer(machine)

    assert not {f"etc/{name}" for name in SECRETS} & members(data).keys()
    assert b"PRIVATE" not in data
    assert b"hash" not in data


def test_takes_only_what_everyone_may_read(machine: str) -> None:
    os.chmod(f"{machine}etc/group", 0o640)

    assert "etc/group" not in members(host_layer(machine))


def test_takes_links_that_end_in_usr(machine: str) -> None:
    made = members(host_layer(machine))

    assert made["etc/os-release"].linkname == "../usr/lib/os-release"
    assert made["etc/alternatives/editor"].linkname == f"{machine}usr/bin/vim"
    assert made["etc/ssl/certs/a.pem"].issym()
    assert made["etc/ssl/certs/ca-certificates.crt"].isreg()
    assert "etc/alternatives/tool" not in made


def test_leaves_room_for_the_engines_files(machine: str) -> None:
    made = members(host_layer(machine))

    assert all(made[f"etc/{name}"].size == 0 for name in ("hosts", "hostname", "resolv.conf"))


def test_is_the_same_for_the_same_machine(machine: str) -> None:
    assert host_layer(machine) == host_layer(machine)


def test_the_stamp_changes_with_the_machine(machine: str) -> None:
    before = host_stamp(machine)

    assert host_stamp(machine) == before
    Path(machine, "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    after = host_stamp(machine)
    assert after != before
    os.symlink(f"{machine}usr/bin/vim", f"{machine}etc/alternatives/vi")
    assert host_stamp(machine) != after
