"""COPY and ADD, all their forms: held to Debian's buildah, which reads the same Dockerfile."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from support.kitchen import Kitchen

pytestmark = pytest.mark.root

FORMS = """\
FROM base AS from
RUN mkdir -p /x/exists && chmod 711 /x/exists && ln -s /x/exists /x/todir
COPY a.txt /x/1
COPY a.txt /x/2/
COPY a.txt b.txt /x/3/
COPY *.txt /x/4/
COPY d /x/5
COPY d/ /x/6/
COPY d e /x/7/
COPY a.txt /x/exists
COPY a.txt /x/todir/via
COPY d /x/todir
COPY toplink /x/8
COPY toplink dirlink /x/9/
WORKDIR /x/w
COPY a.txt .
COPY b.txt ./
COPY ["a.txt", "rel/f"]
COPY --chown=web a.txt /x/c1/a
COPY --chown=7:9 d /x/c2
COPY --chown=5 a.txt /x/c3
COPY --chmod=4711 a.txt /x/m1
COPY --chmod=750 d /x/m2
ADD t.tar /x/t1
ADD t.tgz /x/t2/
ADD a.txt /x/t3
USER web
COPY a.txt /x/u1
USER root
RUN chown 7:8 /x/1
FROM base
COPY --from=from /x /x
COPY --from=from /x/1 /x/from1
COPY --from=from /x/5 /x/from2
COPY . /ctx
RUN find /x /ctx -type d | sort | xargs stat -c 'is %n %F %a %u:%g'
RUN find /x /ctx ! -type d | sort | xargs stat -c 'is %n %F %a %u:%g %h %N'
"""


@pytest.fixture
def forms(kitchen: Kitchen) -> Kitchen:
    """A context with files of every kind that a context may hold."""
    for name in ("a.txt", "b.txt", "d/one", "d/sub/two", "e/e.txt", "e/ignored"):
        kitchen.file(name, name)
    kitchen.file(".dockerignore", "e/*\n!e/e.txt\n")
    context = kitchen.context
    (context / "d/sub").chmod(0o700)
    (context / "d/one").chmod(0o755)
    (context / "d/link").symlink_to("one")
    (context / "toplink").symlink_to("d/one")
    (context / "dirlink").symlink_to("d")
    os.link(context / "d/one", context / "d/hard")
    for name, flag in (("t.tar", "-c"), ("t.tgz", "-cz")):
        subprocess.run(("tar", flag, "-f", context / name, "-C", context / "d", "."), check=True)
    return kitchen


def _buildah(kitchen: Kitchen, buildah: str) -> str:
    """What buildah prints of the same build."""
    conf = kitchen.home / "containers.conf"
    conf.write_text('[containers]\ndefault_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]\n')
    places = (f"--{name}={kitchen.home}/{name}" for name in ("root", "runroot"))
    argv = (buildah, *places, "--storage-driver=vfs", "bud", "--isolation=chroot")
    env = {**os.environ, "CONTAINERS_CONF": str(conf)}
    done = subprocess.run(
        (*argv, str(kitchen.context)),
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_files_arrive_as_buildah_brings_them(forms: Kitchen, require: Callable[[str], str]) -> None:
    buildah = require("buildah")
    ours = forms.build(FORMS).stdout
    theirs = _buildah(forms, buildah)

    def listed(text: str) -> list[str]:
        return [line for line in text.splitlines() if line.startswith("is /")]

    assert listed(ours) == listed(theirs)
    assert len(listed(ours)) > 90


def test_a_linked_copy_knows_nothing_of_what_is_below(forms: Kitchen) -> None:
    text = "RUN mkdir -p /x && chmod 700 /x && echo {0} >/x/before\nCOPY --link a.txt /x/a\n"
    forms.build(text.format(1))
    assert forms.cat("ls /x; stat -c %a /x") == "a\nbefore\n755\n"


def test_exclude_leaves_files_out(forms: Kitchen) -> None:
    forms.build("COPY --exclude=sub --exclude=*.none d /x\nRUN ls /x\n")
    assert forms.cat("ls /x") == "hard\nlink\none\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on loopback with one file and one archive."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "file.txt").write_text("fetched")
    os.utime(site / "file.txt", (1_000_000, 1_000_000))
    subprocess.run(("tar", "-czf", site / "a.tgz", "-C", site, "file.txt"), check=True)
    handler = partial(_Quiet, directory=str(site))
    with HTTPServer(("127.0.0.1", 0), handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


def test_a_file_is_fetched_and_its_digest_held(kitchen: Kitchen, server: str) -> None:
    good = hashlib.sha256(b"fetched").hexdigest()
    kitchen.build(
        f"ADD {server}/file.txt /srv/\nADD --checksum=sha256:{good} {server}/file.txt /srv/named\n"
        f"ADD {server}/a.tgz /srv/\n"
    )
    said = kitchen.cat("cd /srv; cat file.txt named; stat -c '%a %u %Y' named; ls")
    assert said == "fetchedfetched600 0 1000000\na.tgz\nfile.txt\nnamed\n"
    bad = kitchen.build(f"ADD --checksum=sha256:{'0' * 64} {server}/file.txt /x\n", status=1)
    assert f"has the digest sha256:{good}" in bad.stderr
    missing = kitchen.build(f"ADD {server}/none /x\n", status=1)
    assert "404" in missing.stderr
    assert "Dockerfile:7: " in missing.stderr
