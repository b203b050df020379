"""A fresh host without python3: its own package manager installs it, where that may be."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.sshd_hosts import SshHost
from toolkit.core.errors import UnavailableError, UnsupportedError
from toolkit.ssh.link import StreamLink

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]
Open = Callable[..., StreamLink]
# What stands for the package manager: it brings python3 back from where the test put it.
INSTALLER = """\
#!/bin/sh
echo "$*" >> /run/asked
case "$*" in *install*) for each in /usr/lib/away/*; do mv "$each" /usr/bin/; done;; esac
"""


@pytest.fixture
def bare(host: SshHost) -> Iterator[Path]:
    """The host without python3; the folder that its package manager's stand-in is in."""
    away, place = host.root / "usr/lib/away", host.root / "usr/local/sbin"
    away.mkdir()
    (host.root / "run/asked").unlink(missing_ok=True)
    found = list((host.root / "usr/bin").glob("python3*"))
    for path in found:
        path.rename(away / path.name)
    (place / "apt-get").write_text(INSTALLER)
    (place / "apt-get").chmod(0o755)
    yield place
    (place / "apt-get").unlink()
    for path in list(away.iterdir()):
        path.rename(host.root / "usr/bin" / path.name)
    away.rmdir()


def test_it_is_installed_where_that_may_be(link_to: Open, host: SshHost, bare: Path) -> None:
    del bare
    with pytest.raises(UnsupportedError, match="it has no python3"):
        link_to(host)
    link = link_to(host, install_python=True)
    assert link.call("ping", {}).result["uid"] == 0
    asked = (host.root / "run/asked").read_text().splitlines()
    assert asked == ["-qq update", "-qq install -y --no-install-recommends python3"]


def test_an_installation_that_fails_says_why(link_to: Open, host: SshHost, bare: Path) -> None:
    (bare / "apt-get").write_text("#!/bin/sh\necho 'E: no such luck' >&2\nexit 100\n")
    with pytest.raises(UnavailableError, match="installing it failed") as one:
        link_to(host, install_python=True)
    assert "no such luck" in one.value.message


def test_who_must_become_root_does_so_by_sudo(
    link_to: Open, host: SshHost, bare: Path, require: Callable[[str], str]
) -> None:
    del bare
    require("sudo")
    if "carl:" not in (host.root / "etc/passwd").read_text():
        host.run("useradd", "--create-home", "--shell", "/bin/sh", "carl")
    host.run("sh", "-c", "echo carl:open-sesame | chpasswd")
    rights = host.root / "etc/sudoers.d/carl"
    rights.write_text("carl ALL=(ALL) ALL\n")
    with contextlib.ExitStack() as undo:
        undo.callback(rights.unlink)
        link = link_to(
            host,
            user="carl",
            become="root",
            become_password="open-sesame",
            install_python=True,
        )
        assert link.call("ping", {}).result["uid"] == 0
