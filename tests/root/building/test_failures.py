"""Builds that fail, are interrupted or are attacked: what is said, and that nothing is left."""

import os
import signal
import subprocess
import time

import pytest

from support.kitchen import ENTRY, Kitchen

pytestmark = pytest.mark.root


def test_a_failing_command_gives_its_status_and_leaves_the_steps_before(kitchen: Kitchen) -> None:
    done = kitchen.build("RUN echo kept >/kept\nRUN echo said; exit 7\nRUN true\n", status=7)
    assert "said\n" in done.stdout
    assert "returned a non-zero code: 7" in done.stderr
    assert "Dockerfile:8" in done.stderr
    assert os.listdir(kitchen.data / "building") == []
    assert kitchen.library().all() == []
    again = kitchen.build("RUN echo kept >/kept\nRUN true\n")
    assert again.stdout.count("Using cache") == 5


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("RUNN x", 1, "Dockerfile:7: 'RUNN' is no instruction"),
        ("COPY nothing /", 1, "Dockerfile:7: COPY: 'nothing' is not in the build context"),
        ("COPY --chown=nobody busybox /", 1, "Dockerfile:7: --chown: user 'nobody'"),
        ("COPY busybox Dockerfile /x", 1, "does not end in '/'"),
        ("COPY busybox /etc/passwd/x", 1, "is a file, no directory"),
        ("RUN --mount=type=secret,id=s,required=true true", 1, "the secret 's' is required"),
        ("RUN --mount=type=cash,target=/x true", 1, "did you mean"),
        ('RUN ["/none"]', 127, "Dockerfile:7: "),
        ("EXPOSE x", 1, "Dockerfile:7: EXPOSE: 'x' is no port"),
        ("STOPSIGNAL x", 1, "unknown signal 'x'"),
        ("USER $NONE", 1, "an argument is empty"),
        ("ADD https://example.invalid/x.git /x", 1, "git repositories"),
        ('ENV A="${B:?must be set}"', 1, "B: must be set"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    kitchen: Kitchen, text: str, status: int, said: str
) -> None:
    done = kitchen.build(text, status=status)
    assert said in done.stderr
    folder = kitchen.data / "building"
    assert not folder.exists() or os.listdir(folder) == []


def test_an_image_that_nobody_has_is_named_with_its_line(kitchen: Kitchen) -> None:
    done = kitchen.build("FROM 127.0.0.1:1/nobody:1\n", base=False, status=None)
    assert done.returncode in (1, 4)
    assert "Dockerfile:1: " in done.stderr
    assert "nobody" in done.stderr


def test_when_one_stage_fails_the_others_end(kitchen: Kitchen) -> None:
    begin = time.monotonic()
    kitchen.build(
        "FROM base AS a\nRUN sleep 60\nFROM base AS b\nRUN sleep 0.5; exit 3\n"
        "FROM base\nCOPY --from=a /etc /a\nCOPY --from=b /etc /b\n",
        status=3,
    )
    assert time.monotonic() - begin < 40
    assert kitchen.run("ps", "-aq").stdout == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing(kitchen: Kitchen, number: signal.Signals) -> None:
    kitchen.build("")
    kitchen.file("Dockerfile", "FROM t\nRUN echo going && sleep 60\n")
    argv = (*ENTRY, "build", "-t", "late", str(kitchen.context))
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "going\n":
                process.send_signal(number)
                break
        process.stdout.read()
        process.wait(20)
    assert process.returncode == (-9 if number == signal.SIGKILL else 128 + number)
    assert kitchen.run("ps", "-aq").stdout == ""
    kitchen.build("")
    assert os.listdir(kitchen.data / "building") == []
    assert [one.names for one in kitchen.library().all()] == [("docker.io/library/t:latest",)]


def test_links_in_an_image_do_not_lead_a_copy_out(kitchen: Kitchen) -> None:
    outside = kitchen.home / "outside"
    outside.mkdir()
    (outside / "mine").write_text("host")
    kitchen.file("f", "from the context")
    up = "../" * 30
    kitchen.build(
        f"RUN mkdir -p {outside}; ln -s {outside} /a; ln -s {up}{outside} /b; ln -s / /c\n"
        "COPY f /a/one\nCOPY f /b/two\nCOPY f /c/c/three\n"
        f"FROM base\nCOPY --from=1 /a/one {outside}/mine* /got/\n",
        status=1,
    )
    kitchen.build(
        f"RUN mkdir -p {outside}; ln -s {outside} /a; ln -s {up}{outside} /b; ln -s / /c\n"
        "COPY f /a/one\nCOPY f /b/two\nCOPY f /c/c/three\nADD f /a/four\nWORKDIR /a/five\n"
    )
    assert os.listdir(outside) == ["mine"]
    found = kitchen.cat(f"cd {outside} && ls; ls /three")
    assert found.split() == ["five", "four", "one", "two", "/three"]


def test_links_in_a_context_do_not_lead_out(kitchen: Kitchen) -> None:
    (kitchen.home / "hidden").write_text("host")
    os.symlink(kitchen.home / "hidden", kitchen.context / "absolute")
    os.symlink("../hidden", kitchen.context / "relative")
    for name in ("absolute", "relative", "../hidden"):
        done = kitchen.build(f"COPY {name} /x\n", status=1)
        assert "is not in the build context" in done.stderr
    kitchen.build("COPY . /ctx/\n")
    assert kitchen.cat("readlink /ctx/relative") == "../hidden\n"


def test_a_context_that_leads_out_is_refused(kitchen: Kitchen) -> None:
    tar = subprocess.run(
        ("tar", "-C", str(kitchen.context), "-cP", "../context/busybox"),
        capture_output=True,
        check=True,
    ).stdout
    done = kitchen.run("build", "-", stdin=tar, status=1)
    assert "leads out" in done.stderr
