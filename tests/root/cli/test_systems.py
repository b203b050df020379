import json
import subprocess
import time
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def box(dockyard: Dockyard) -> str:
    done = dockyard("run", "-d", "--name", "box", "host", "sleep", "1000")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_top(box: str, dockyard: Dockyard) -> None:
    del box
    head, line = dockyard("top", "box").stdout.splitlines()
    assert head.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert head.startswith("UID                 PID                 PPID")
    assert line.endswith("sleep 1000")
    asked = dockyard("top", "box", "-o", "pid,args").stdout.splitlines()
    assert asked[0] == "PID                 COMMAND"
    assert asked[1].endswith("sleep 1000")
    dockyard("stop", "-t", "0", "box")
    assert dockyard("top", "box").returncode == 1


def test_stats(box: str, dockyard: Dockyard) -> None:
    head, line = dockyard("stats", "--no-stream").stdout.splitlines()
    assert head.split("   ")[0] == "CONTAINER ID"
    assert " ".join(head.split()) == (
        "CONTAINER ID NAME CPU % MEM USAGE / LIMIT MEM % NET I/O BLOCK I/O PIDS"
    )
    assert line.startswith(f"{box[:12]}   box")
    assert line.endswith("1")
    asked = ("{{.Name}} {{.PIDs}} {{.NetIO}}", "box")
    assert dockyard("stats", "--no-stream", "--format", *asked).stdout == "box 1 0B / 0B\n"
    dockyard("stop", "-t", "0", "box")
    idle = dockyard("stats", "--no-stream", "-a", "--format", "{{.CPUPerc}} {{.MemUsage}}").stdout
    assert idle == "-- -- / --\n"
    assert dockyard("stats", "--no-stream", "nothing").returncode == 1


def test_stats_goes_on_until_it_is_told(box: str, entry: tuple[str, ...]) -> None:
    words = (*entry, "stats", "--format", "{{.ID}}", "box")
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [f"{box[:12]}\n"] * 2
        process.terminate()


def test_events_of_the_past_and_of_now(
    box: str, dockyard: Dockyard, entry: tuple[str, ...]
) -> None:
    past = dockyard("events", "--since", "1h", "--until", "0s", "-f", "event=create").stdout
    stamp, kind, action, actor, *said = past.split()
    assert (kind, action, actor) == ("container", "create", box)
    assert len(stamp) == len("2024-05-06T07:08:09.000000001+02:00")
    assert " ".join(said) == "(image=host, name=box)"
    words = (*entry, "system", "events", "--format", "{{.Type}} {{.Action}} {{.Actor.ID}}")
    began = str(time.time())
    with subprocess.Popen(
        (*words, "--since", began), stdout=subprocess.PIPE, text=True
    ) as follower:
        assert follower.stdout is not None
        dockyard("pause", "box")
        assert follower.stdout.readline() == f"container pause {box}\n"
        dockyard("unpause", "box")
        assert follower.stdout.readline() == f"container unpause {box}\n"
        follower.terminate()


def test_df_and_prune(box: str, dockyard: Dockyard) -> None:
    dockyard("run", "--name", "over", "host", "sh", "-c", "head -c 7000 /dev/zero > /x")
    head, *lines = dockyard("system", "df").stdout.splitlines()
    assert head == "TYPE            TOTAL     ACTIVE    SIZE      RECLAIMABLE"
    assert lines[1] == "Containers      2         1         7kB       7kB (100%)"
    assert [line[:15].rstrip() for line in lines] == [
        "Images",
        "Containers",
        "Local Volumes",
        "Build Cache",
    ]
    refused = dockyard("container", "prune", stdin="\n")
    assert "WARNING! This will remove all stopped containers.\n" in refused.stdout
    over = dockyard("ps", "-aq", "--no-trunc", "-f", "name=over").stdout.strip()
    pruned = dockyard("container", "prune", "-f").stdout
    assert pruned == f"Deleted Containers:\n{over}\n\nTotal reclaimed space: 7kB\n"
    dockyard("stop", "-t", "0", "box")
    assert box in dockyard("system", "prune", "-f").stdout
    assert dockyard("ps", "-aq").stdout == ""


def test_version_and_info(box: str, dockyard: Dockyard) -> None:
    del box
    told = json.loads(dockyard("version", "--format", "json").stdout)
    assert told["Client"]["ApiVersion"] == told["Server"]["ApiVersion"] == "1.50"
    assert dockyard("version").stdout.startswith("Client:\n Version:          ")
    shown = dockyard("info", "-f", "{{.Containers}} {{.ContainersRunning}} {{.Driver}}").stdout
    assert shown == "1 1 overlay2\n"
    assert " Containers: 1\n  Running: 1\n" in dockyard("system", "info").stdout


def test_inspect_finds_whatever_has_the_name(box: str, dockyard: Dockyard) -> None:
    dockyard("volume", "create", "data")
    found = json.loads(dockyard("inspect", "box", "data").stdout)
    assert found[0]["Id"] == box
    assert found[1]["Mountpoint"].endswith("/volumes/data/_data")
    assert dockyard("inspect", "--type", "volume", "box").returncode == 1
    assert dockyard("inspect", "--type", "frob", "box").returncode == 2
    missing = dockyard("inspect", "nothing")
    assert (missing.returncode, missing.stdout) == (1, "[]\n")
    assert "no such object: 'nothing'" in missing.stderr
    assert dockyard("inspect", "-s", "-f", "{{.SizeRw}}", "box").stdout == "0\n"
    assert "no such container" in dockyard("container", "inspect", "data").stderr


def test_the_group_has_all_commands_of_containers(box: str, dockyard: Dockyard) -> None:
    for word in ("ls", "list", "ps"):
        assert dockyard("container", word, "-q", "--no-trunc").stdout == f"{box}\n"
    assert dockyard("container", "exec", "box", "echo", "hi").stdout == "hi\n"
    shown = dockyard("container", "--help").stdout
    assert "prune" in shown
    assert "\n  remove " not in shown
    assert dockyard("container", "remove", "-f", "box").stdout == "box\n"
    unknown = dockyard("container", "frob")
    assert unknown.returncode == 2
