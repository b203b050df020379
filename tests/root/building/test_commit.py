"""``commit`` and ``diff``: exactly what a container wrote, and nothing that was mounted."""

import subprocess
import time

import pytest

from support.kitchen import ENTRY, Kitchen

pytestmark = pytest.mark.root

PREPARED = """\
RUN mkdir -p /d/kept /d/gone/deep /opaque && touch /d/kept/f /d/gone/deep/f /opaque/a /opaque/b
RUN echo 1 >/changed && echo 1 >/same && mkdir /moded && chmod 700 /moded
ENV A=1
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["true"]
"""
WRITES = (
    "rm -r /d/gone; touch /d/new; echo 2 >/changed; cat /same; chmod 711 /moded; rm /srv -r;"
    " rm -r /opaque; mkdir /opaque; touch /opaque/a; mkdir -p /n/m; ln -s x /n/m/l; touch /vol/x"
)
DIFFERENCES = [
    "C /changed",
    "C /d",
    "D /d/gone",
    "A /d/new",
    "C /moded",
    "A /n",
    "A /n/m",
    "A /n/m/l",
    "C /opaque",
    "C /opaque/a",
    "D /opaque/b",
    "D /srv",
]


def _written(kitchen: Kitchen) -> None:
    """A container ``box`` that wrote and is over."""
    kitchen.build(PREPARED)
    kitchen.run("run", "--name", "box", "-v", f"{kitchen.home}/vol:/vol", "t", WRITES)


def test_differences_are_exact(kitchen: Kitchen) -> None:
    _written(kitchen)
    assert kitchen.run("diff", "box").stdout.splitlines() == DIFFERENCES
    kitchen.run("rm", "box")


def test_a_container_that_wrote_nothing_does_not_differ(kitchen: Kitchen) -> None:
    kitchen.build("")
    kitchen.run("run", "--name", "box", "-v", f"{kitchen.home}/vol:/new/vol", "t", "true")
    assert kitchen.run("diff", "box").stdout == ""
    kitchen.run("rm", "box")


def test_an_image_of_a_container_has_what_it_wrote(kitchen: Kitchen) -> None:
    _written(kitchen)
    done = kitchen.run(
        "commit",
        "--author=me",
        "--message=why",
        "--change=ENV B=$A-2",
        "--change",
        'CMD ["echo hi"]',
        "box",
        "t:2",
    )
    config = kitchen.config("t:2")
    assert done.stdout.strip() == str(kitchen.library().find("t:2").id)
    assert config["config"]["Env"] == ["PATH=/bin", "A=1", "B=1-2"]
    assert config["config"]["Cmd"] == ["echo hi"]
    assert config["config"]["Entrypoint"] == ["/bin/sh", "-c"]
    assert (config["author"], config["history"][-1]["comment"]) == ("me", "why")
    assert len(config["rootfs"]["diff_ids"]) == len(kitchen.config()["rootfs"]["diff_ids"]) + 1
    kitchen.run("rm", "box")
    said = kitchen.run(
        "run", "--rm", "t:2", "ls /d /n/m /opaque; cat /changed; ls -d /vol /srv; true"
    )
    assert said.stdout == "/d:\nkept\nnew\n\n/n/m:\nl\n\n/opaque:\na\n2\n"


def test_a_running_container_is_paused_and_goes_on(kitchen: Kitchen) -> None:
    kitchen.build("")
    script = "i=0; while true; do i=$((i+1)); echo $i >>/a; echo $i >>/b; done"
    kitchen.run("run", "-d", "--name", "box", "t", "sh", "-c", script)
    while kitchen.run("exec", "box", "test", "-s", "/b", status=None).returncode:
        time.sleep(0.05)
    kitchen.run("commit", "box", "frozen")
    kitchen.run("commit", "--pause=false", "box", "moving")
    assert kitchen.run("inspect", "--format", "{{.State.Status}}", "box").stdout == "running\n"
    first, second = kitchen.run("run", "--rm", "frozen", "tail", "-qn1", "/a", "/b").stdout.split()
    assert int(first) - int(second) in (0, 1)
    kitchen.run("rm", "-f", "box")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("diff", "nobody"), "no such container"),
        (("commit", "box", "Upper"), "Upper"),
        (("commit", "--change=RUN x", "box"), "RUN is no change"),
        (("commit", "--change=EXPOSE x", "box"), "'x' is no port"),
        (("commit", "--change=FOO x", "box"), "'FOO' is no instruction"),
    ],
)
def test_what_is_refused(kitchen: Kitchen, words: tuple[str, ...], said: str) -> None:
    kitchen.build("")
    kitchen.run("create", "--name", "box", "t", "true")
    assert said in kitchen.run(*words, status=None).stderr
    assert [image.names for image in kitchen.library().all()] == [("docker.io/library/t:latest",)]
    kitchen.run("rm", "box")


def test_this_machines_own_files_make_no_image(kitchen: Kitchen) -> None:
    kitchen.run("run", "--name", "box", "host", "touch", "/made")
    assert kitchen.run("diff", "box").stdout == "A /made\n"
    assert "this machine's own /usr" in kitchen.run("commit", "box", status=None).stderr
    kitchen.run("rm", "box")


def test_diff_of_many_files_ends_with_its_reader(kitchen: Kitchen) -> None:
    kitchen.build("")
    kitchen.run("run", "--name", "box", "t", "sh", "-c", "seq 3000 | (cd /srv; xargs touch)")
    reader = subprocess.Popen(
        (*ENTRY, "diff", "box"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "C /srv\n"
    reader.stdout.close()
    assert reader.wait(20) == 141
    assert reader.stderr is not None
    assert reader.stderr.read() == ""
    reader.stderr.close()
    kitchen.run("rm", "box")
