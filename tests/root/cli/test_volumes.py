import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]


def test_create_list_inspect_and_remove(dockyard: Dockyard, home: Path) -> None:
    assert dockyard("volume", "create", "--label", "a=b", "data").stdout == "data\n"
    assert dockyard("volume", "create", "data").stdout == "data\n"  # it is there
    random = dockyard("volume", "create").stdout.strip()
    assert len(random) == 64
    assert dockyard("volume", "ls").stdout == (
        "DRIVER    VOLUME NAME\n"
        + "".join(f"local     {name}\n" for name in sorted(("data", random)))
    )
    assert dockyard("volume", "ls", "-q", "-f", "label=a").stdout == "data\n"
    listed = dockyard("volume", "list", "--format", "{{.Name}}={{.Labels}}", "-f", "name=dat")
    assert listed.stdout == "data=a=b\n"
    (found,) = json.loads(dockyard("volume", "inspect", "data").stdout)
    assert found["Mountpoint"] == f"{home}/data/volumes/data/_data"
    assert (found["Driver"], found["Labels"], found["Scope"]) == ("local", {"a": "b"}, "local")
    assert dockyard("volume", "rm", "data", random).stdout == f"data\n{random}\n"
    missing = dockyard("volume", "inspect", "data")
    assert (missing.returncode, missing.stdout) == (1, "[]\n")
    assert dockyard("volume", "rm", "data").returncode == 1
    assert dockyard("volume", "rm", "-f", "data").returncode == 0


def test_what_containers_share_and_keep(dockyard: Dockyard) -> None:
    write = ("sh", "-c", "echo shared > /data/file")
    assert dockyard("run", "--rm", "-v", "data:/data", "host", *write).returncode == 0
    read = dockyard("run", "--name", "box", "-v", "data:/data:ro", "host", "cat", "/data/file")
    assert read.stdout == "shared\n"
    refused = dockyard("volume", "rm", "data")
    assert (refused.returncode, "is in use by container" in refused.stderr) == (1, True)
    assert dockyard("ps", "-a", "--format", "{{.Mounts}} {{.LocalVolumes}}").stdout == "data 1\n"
    assert dockyard("ps", "-aq", "-f", "volume=data").stdout
    dockyard("rm", "box")
    assert dockyard("volume", "ls", "-q").stdout == "data\n"


def test_anonymous_ones_go_with_v_and_by_prune(dockyard: Dockyard) -> None:
    for name in ("one", "two"):
        dockyard("run", "--name", name, "-v", "/data", "-v", "named:/named", "host", "true")
    assert dockyard("rm", "-v", "one").stdout == "one\n"
    assert dockyard("rm", "two").stdout == "two\n"
    left = dockyard("volume", "ls", "-q", "-f", "dangling=true").stdout.split()
    assert len(left) == 2
    kept = dockyard("volume", "prune", stdin="n\n")
    assert kept.returncode == 1
    assert kept.stdout == (
        "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
        "Are you sure you want to continue? [y/N] "
    )
    pruned = dockyard("volume", "prune", "-f").stdout
    anonymous = next(name for name in left if name != "named")
    assert pruned == f"Deleted Volumes:\n{anonymous}\n\nTotal reclaimed space: 0B\n"
    assert dockyard("volume", "prune", "-a", "-f").stdout.splitlines()[1] == "named"


def test_the_bytes_that_came_free_are_told(dockyard: Dockyard) -> None:
    script = ("sh", "-c", "head -c 5000 /dev/zero > /data/x")
    dockyard("run", "--rm", "-v", "data:/data", "host", *script)
    assert dockyard("volume", "prune", "-af").stdout.endswith("Total reclaimed space: 5kB\n")
