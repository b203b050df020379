"""Whole builds: what instructions do to an image, and what a step leaves of itself."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.kitchen import Kitchen

pytestmark = pytest.mark.root

EPOCH = 1_700_000_000


def test_every_instruction_tells_the_image_something(kitchen: Kitchen) -> None:
    kitchen.build(
        """
        MAINTAINER me
        ARG V=1
        LABEL a=b c="d $V"
        env X=${V:-2} Y="${NONE:+no}"
        WORKDIR /srv
        WORKDIR app
        USER web
        EXPOSE 80 53/udp
        VOLUME ["/data"]
        STOPSIGNAL SIGQUIT
        SHELL ["/bin/sh", "-ec"]
        HEALTHCHECK --interval=1m30s --retries=2 CMD true
        ENTRYPOINT echo hi
        CMD ["x"]
        ONBUILD RUN true
        """,
        "--label=z=1",
        "--build-arg=V=5",
    )
    config = kitchen.config()["config"]
    assert config == {
        "Env": ["PATH=/bin", "X=5", "Y="],
        "Labels": {"a": "b", "c": "d 5", "z": "1"},
        "WorkingDir": "/srv/app",
        "User": "web",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Volumes": {"/data": {}},
        "StopSignal": "SIGQUIT",
        "Shell": ["/bin/sh", "-ec"],
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 90_000_000_000, "Retries": 2},
        "Entrypoint": ["/bin/sh", "-ec", "echo hi"],
        "Cmd": ["x"],
        "OnBuild": ["RUN true"],
    }
    assert kitchen.config()["author"] == "me"


def test_the_history_is_as_dockers(kitchen: Kitchen) -> None:
    kitchen.file("f", "x")
    kitchen.build("ARG A=1\nRUN touch /made\nCOPY f /\nENV B=2\n")
    history = kitchen.config()["history"][-4:]
    assert [entry["created_by"] for entry in history[:2]] == [
        "/bin/sh -c #(nop)  ARG A=1",
        "|1 A=1 /bin/sh -c touch /made",
    ]
    assert history[2]["created_by"].startswith("/bin/sh -c #(nop) COPY file:")
    assert history[3]["created_by"] == "/bin/sh -c #(nop)  ENV B=2"
    assert [entry.get("empty_layer", False) for entry in history] == [True, False, False, True]
    layers = kitchen.config()["rootfs"]["diff_ids"]
    full = [entry for entry in kitchen.config()["history"] if not entry.get("empty_layer")]
    assert len(layers) == len(full)


def test_commands_run_as_the_image_says(kitchen: Kitchen) -> None:
    kitchen.build(
        """
        ENV A=image
        ARG A=arg
        ARG B=b
        USER web
        WORKDIR /srv/app
        RUN echo "$(id -u):$(id -g) $(pwd) $A $B $HTTP_PROXY" >said
        SHELL ["/bin/sh", "-c", "echo shell $0 >>said"]
        RUN a b
        RUN ["/bin/sh", "-c", "echo exec >>said"]
        """,
        "--build-arg=HTTP_PROXY=p",
    )
    assert kitchen.cat("cat said") == "7:8 /srv/app image b p\nshell a b\nexec\n"
    assert not any("PROXY" in text for text in kitchen.config()["config"]["Env"])
    assert not any("PROXY=" in one["created_by"] for one in kitchen.config()["history"])


def test_here_documents(kitchen: Kitchen) -> None:
    kitchen.build(
        """\
RUN <<EOF
echo one
a=two
echo $a >/srv/script
EOF
RUN <<EOF
#!/bin/sh -e
echo "$0" >/srv/file
EOF
RUN cat <<A >/srv/a && cat <<"B" >/srv/b
a $((1 + 1))
A
b $((1 + 1))
B
ENV X=y
COPY <<one <<"two" /srv/
$X
one
$X
two
"""
    )
    said = kitchen.cat("cd /srv; cat script file a b one two; ls /dev/pipes 2>/dev/null; true")
    assert said == "two\n/dev/pipes/script\na 2\nb $((1 + 1))\ny\n$X\n"


def test_a_second_build_does_nothing_again(kitchen: Kitchen) -> None:
    kitchen.file("a", "1")
    text = "COPY a /a\nRUN date +%N >/when\nENV X=1\n"
    kitchen.build(text)
    first = kitchen.config()
    os.utime(kitchen.context / "a", (5, 5))
    again = kitchen.build(text)
    assert again.stdout.count("Using cache") == 7
    assert kitchen.config() == first
    kitchen.file("a", "2")
    changed = kitchen.build(text)
    assert changed.stdout.count("Using cache") == 4
    assert kitchen.config() != first
    assert "Using cache" not in kitchen.build(text, "--no-cache").stdout


def test_what_was_built_is_still_known_when_the_image_is_removed(kitchen: Kitchen) -> None:
    kitchen.build("RUN echo 1 >/one\n")
    kitchen.library().remove("t")
    again = kitchen.build("RUN echo 1 >/one\n")
    assert again.stdout.count("Using cache") == 5
    assert kitchen.cat("cat /one") == "1\n"


def test_only_what_a_target_needs_is_built(kitchen: Kitchen) -> None:
    text = "FROM base AS wanted\nRUN echo w >/w\nFROM base AS broken\nRUN false\n"
    whole = f"{text}FROM wanted\nCOPY --from=broken / /\n"
    done = kitchen.build(whole, "--target=wanted")
    assert "false" not in done.stdout
    assert kitchen.cat("cat /w") == "w\n"
    missing = kitchen.build(text, "--target=wantde", status=1)
    assert "did you mean 'wanted'?" in missing.stderr


def test_stages_without_a_tie_run_side_by_side(kitchen: Kitchen) -> None:
    def waits(mine: str, other: str) -> str:
        loop = f"while [ ! -e /shared/{other} ] && [ $i -lt 200 ]; do i=$((i+1)); sleep 0.1; done"
        script = f"touch /shared/{mine}; i=0; {loop}; [ -e /shared/{other} ]"
        return f"FROM base AS {mine}\nRUN --mount=type=cache,target=/shared {script}\n"

    copies = "FROM base\nCOPY --from=a /bin/sh /a\nCOPY --from=b /bin/sh /b\n"
    kitchen.build(waits("a", "b") + waits("b", "a") + copies)
    assert kitchen.cat("ls /a /b") == "/a\n/b\n"


def test_triggers_run_in_whoever_builds_on_the_image(kitchen: Kitchen) -> None:
    kitchen.file("f", "x")
    kitchen.build("ONBUILD COPY f /srv/f\nONBUILD RUN echo y >>/srv/f\n")
    kitchen.library().tag("t", "parent")
    done = kitchen.build('FROM parent\nCMD ["a"]\n', base=False)
    assert "# Executing 2 build triggers" in done.stdout
    assert kitchen.cat("cat /srv/f") == "xy\n"
    assert "OnBuild" not in kitchen.config()["config"]


def test_the_same_epoch_gives_the_same_image(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    kitchen.file("dir/f", "x")
    text = "COPY dir /srv/dir\nWORKDIR /made\nRUN date >/dev/null; echo a >/srv/new; mkdir /srv/d\n"
    ids = []
    for _ in range(2):
        kitchen.build(text, "--no-cache", f"--iidfile={kitchen.home}/id")
        ids.append((kitchen.home / "id").read_text())
        time.sleep(1.1)
        os.utime(kitchen.context / "dir/f")
    assert ids[0] == ids[1]
    assert kitchen.config()["created"] == "2023-11-14T22:13:20Z"
    assert set(kitchen.cat("stat -c %Y /srv/new /srv/d /srv/dir/f /made").split()) == {str(EPOCH)}


def test_mounts_of_a_command_leave_nothing(kitchen: Kitchen) -> None:
    kitchen.file("secret", "s3cret")
    kitchen.file("sub/one", "1")
    kitchen.file(".dockerignore", "secret\n")
    script = " && ".join(
        (
            "test $(wc -c </run/secrets/token) = 6",
            "test ${#PASS} = 6",
            "test $(stat -c %a /run/secrets/token) = 400",
            "echo kept >>/cache/f",
            "test $(cat /ctx/sub/one) = 1",
            "! test -e /ctx/secret",
            "test $(cat /one) = 1",
            "! touch /ctx/x 2>/dev/null",
            "touch /rw/x",
            "test -e /from/busybox",
            "touch /mem/x",
            "wc -l </cache/f >/srv/lines",
        )
    )
    mounts = (
        "type=secret,id=token",
        "type=secret,id=token,env=PASS",
        "type=cache,target=/cache",
        "target=/ctx",
        "source=sub/one,target=/one",
        "target=/rw,rw",
        "from=base,source=/bin,target=/from",
        "type=tmpfs,target=/mem,size=1m",
    )
    flags = " ".join(f"--mount={mount}" for mount in mounts)
    secret = f"--secret=id=token,src={kitchen.context}/secret"
    for count in (1, 2):
        kitchen.build(f"RUN {flags} {script} && echo {count}\n", secret)
        assert kitchen.cat("cat /srv/lines") == f"{count}\n"
    left = kitchen.cat("ls -d /cache /ctx /one /rw /from /mem /run/secrets 2>/dev/null; true")
    assert left == ""
    blobs = (kitchen.data / "images/blobs/sha256").iterdir()
    assert not any(b"s3cret" in path.read_bytes() for path in blobs)
    assert not list((kitchen.home / "run").glob(".secret*"))


def test_contexts_from_stdin(kitchen: Kitchen) -> None:
    kitchen.file("a", "1")
    kitchen.file("b", "2")
    kitchen.file("other.dockerfile", "FROM scratch\nCOPY . /\n")
    kitchen.file("other.dockerfile.dockerignore", "busybox\n*\n!b\n")
    tar = subprocess.run(
        ("tar", "-C", str(kitchen.context), "-cz", "."), capture_output=True, check=True
    ).stdout
    kitchen.run("build", "-t", "t", "-f", "other.dockerfile", "-", stdin=tar)
    assert kitchen.names() == {"b"}
    kitchen.run("build", "-t", "t", "-", stdin=b"FROM scratch\nLABEL x=1\nCOPY <<E /e\nE\n")
    assert kitchen.names() == {"e"}
    kitchen.run("build", "-t", "t", "-f", "-", str(kitchen.context), stdin=b"FROM scratch\nADD a /")
    assert kitchen.names() == {"a"}
    bad = kitchen.run("build", "-", stdin=b"\x1f\x8b" + bytes(600), status=1)
    assert "the build context" in bad.stderr


def test_other_tools_read_the_layers(
    kitchen: Kitchen, require: Callable[[str], str], tmp_path: Path
) -> None:
    kitchen.file("f", "x")
    kitchen.build(
        "COPY f /srv/gone\nCOPY f /srv/dir/f\nRUN rm /srv/gone && rm -r /srv/dir && mkdir /srv/dir"
        " && touch /srv/dir/new && ln /srv/dir/new /srv/link && chmod 4711 /srv/link\n"
    )
    skopeo = (require("skopeo"), "copy", "--insecure-policy", "-q")
    source = f"oci:{kitchen.data}/images:t:latest"
    subprocess.run((*skopeo, source, f"oci:{tmp_path}/copy:t"), check=True)
    umoci = (require("umoci"), "unpack", "--image", f"{tmp_path}/copy:t", str(tmp_path / "bundle"))
    subprocess.run(umoci, check=True, capture_output=True)
    srv = tmp_path / "bundle/rootfs/srv"
    found = sorted(str(path.relative_to(srv)) for path in srv.rglob("*"))
    assert found == ["dir", "dir/new", "link"]
    assert os.path.samestat((srv / "link").stat(), (srv / "dir/new").stat())
    assert (srv / "link").stat().st_mode & 0o7777 == 0o4711


def test_progress_as_json_lines_and_only_the_id(kitchen: Kitchen) -> None:
    done = kitchen.build("RUN echo hi\n", "--progress=json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["event"] for one in events[-4:]] == ["output", "step_done", "stage_done", "built"]
    assert events[-4]["data"] == "hi\n"
    quiet = kitchen.build("RUN echo hi\n", "-q")
    assert quiet.stdout == f"{events[-1]['image']}\n"
    assert "--progress is one of" in kitchen.build("", "--progress=tty", status=1).stderr
