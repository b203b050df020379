"""Every command of images as people type it: Docker's columns, words and statuses."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.images import docker_archive, entry, tar_of
from support.registries import FakeRegistry, debian_registry

pytestmark = pytest.mark.root

Dockyard = Callable[..., "subprocess.CompletedProcess[str]"]
LAYER = tar_of((entry("hello"), b"hello" * 1000))
TITLES = {
    "images": "REPOSITORY TAG IMAGE-ID CREATED SIZE",
    "images --digests": "REPOSITORY TAG DIGEST IMAGE-ID CREATED SIZE",
    "image ls": "REPOSITORY TAG IMAGE-ID CREATED SIZE",
    "history app": "IMAGE CREATED CREATED-BY SIZE COMMENT",
    "image history app": "IMAGE CREATED CREATED-BY SIZE COMMENT",
}


@pytest.fixture
def app(tmp_path: Path, dockyard: Dockyard) -> str:
    """The image ``app:latest``, imported; its id."""
    (tmp_path / "app.tar").write_bytes(LAYER)
    asked = ("-m", "from a tar", "-c", 'CMD ["/hello"]', "--change", "ENV A=1 B='2 3'")
    done = dockyard("import", *asked, str(tmp_path / "app.tar"), "app")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    made = FakeRegistry()
    yield made
    made.close()


@pytest.mark.parametrize("command", TITLES)
def test_columns(app: str, dockyard: Dockyard, command: str) -> None:
    title, row = dockyard(*command.split()).stdout.splitlines()
    words = [word.replace(" ", "-") for word in re.split(r" {2,}", title.strip())]
    assert " ".join(words) == TITLES[command]
    assert app.removeprefix("sha256:")[:12] in row
    assert "5kB" in row
    assert (" ago" in row) or "Less than" in row


def test_what_is_shown_of_images(app: str, dockyard: Dockyard) -> None:
    short = app.removeprefix("sha256:")[:12]
    dockyard("tag", "app", "team/other:2")
    assert dockyard("images", "-q").stdout == f"{short}\n"
    assert dockyard("images", "-q", "--no-trunc").stdout == f"{app}\n"
    named = dockyard("images", "--format", "{{.Repository}}:{{.Tag}}={{.ID}}").stdout
    assert named.splitlines() == [f"app:latest={short}", f"team/other:2={short}"]
    table = dockyard("images", "--format", "table {{.Tag}}\t{{.Size}}", "team/other").stdout
    assert [line.split() for line in table.splitlines()] == [["TAG", "SIZE"], ["2", "5kB"]]
    rows = dockyard("images", "--format", "json").stdout.splitlines()
    assert json.loads(rows[0])["Repository"] == "app"
    assert dockyard("images", "-f", "dangling=true", "-q").stdout == ""
    assert dockyard("images", "-f", "reference=team/*", "-q").stdout == f"{short}\n"
    bad = dockyard("images", "-f", "dangeling=true")
    assert bad.returncode
    assert "invalid filter 'dangeling'" in bad.stderr


def test_what_inspect_knows(app: str, dockyard: Dockyard) -> None:
    (found,) = json.loads(dockyard("image", "inspect", "app").stdout)
    assert (found["Id"], found["RepoTags"]) == (app, ["app:latest"])
    assert (found["Os"], found["Size"]) == ("linux", 5000)
    assert found["Config"]["Cmd"] == ["/hello"]
    assert len(found["RootFS"]["Layers"]) == 1
    asked = ("image", "inspect", "-f", '{{join .Config.Env ","}}', app[7:20])
    assert dockyard(*asked).stdout == "A=1,B=2 3\n"
    missing = dockyard("image", "inspect", "app", "nobody")
    assert missing.returncode == 1
    assert len(json.loads(missing.stdout)) == 1
    assert "no such image: 'nobody'" in missing.stderr
    place = dockyard("image", "inspect", "-f", "{{.Frob", "app")
    assert place.returncode
    assert "format: 1:1: an action is not closed" in place.stderr


def test_history(app: str, dockyard: Dockyard) -> None:
    asked = ("history", "--no-trunc", "--human=false", "--format", "{{.ID}} {{.Size}} {{.Comment}}")
    assert dockyard(*asked, "app").stdout == f"{app} 5000 from a tar\n"
    assert dockyard("history", "-q", "app").stdout == f"{app[7:19]}\n"


def test_names_come_and_go(app: str, dockyard: Dockyard) -> None:
    assert dockyard("tag", "app", "app:2").returncode == 0
    assert dockyard("image", "tag", app[7:19], "app:3").returncode == 0
    several = dockyard("rmi", app)
    assert several.returncode == 1
    assert "it has 3 names" in several.stderr
    assert dockyard("rmi", "app:2").stdout == "Untagged: app:2\n"
    last = dockyard("image", "rm", "app:3", "app", "nobody")
    assert last.returncode == 1
    assert last.stdout == f"Untagged: app:3\nUntagged: app:latest\nDeleted: {app}\n"
    assert dockyard("images").stdout.count("\n") == 1
    for wrong in (("tag", "app"), ("tag", "nobody", "x"), ("rmi",), ("images", "--frob")):
        done = dockyard(*wrong)
        assert done.returncode
        assert done.stderr.startswith("dockyard: ")


def test_an_archive_there_and_back(app: str, dockyard: Dockyard, tmp_path: Path) -> None:
    dockyard("tag", "app", "team/other:2")
    archive = tmp_path / "both.tar"
    assert dockyard("save", "-o", str(archive), "app", "team/other:2").returncode == 0
    dockyard("rmi", "-f", app)
    loaded = dockyard("load", "-i", str(archive))
    assert loaded.stdout == "Loaded image: app:latest\nLoaded image: team/other:2\n"
    dockyard("tag", "app", "mine")
    again = dockyard("image", "load", "-q", "-i", str(archive))
    assert again.stdout == loaded.stdout, "the archive knows nothing of that name"
    assert again.stderr == ""
    missing = dockyard("load", "-i", str(tmp_path / "missing"))
    assert missing.returncode
    assert "no file" in missing.stderr
    unknown = dockyard("save", "-o", str(tmp_path / "x"), "nobody")
    assert unknown.returncode
    assert list(tmp_path.glob("x*")) == []


def test_an_archive_without_names(dockyard: Dockyard, tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(docker_archive(LAYER, tags=()))
    said = dockyard("load", "-i", str(tmp_path / "a.tar")).stdout
    assert re.fullmatch(r"Loaded image ID: sha256:[0-9a-f]{64}\n", said)
    assert dockyard("images").stdout.splitlines()[1].startswith("<none>       <none>")
    gone = dockyard("image", "prune", "-f").stdout
    assert gone.startswith("Deleted Images:\nDeleted: sha256:")
    assert re.search(r"\nTotal reclaimed space: [1-9][0-9.]*kB\n$", gone)


def test_progress_has_three_forms(registry: FakeRegistry, dockyard: Dockyard) -> None:
    registry.image("team/app", "1", LAYER)
    name = f"{registry.host}/team/app:1"
    plain = dockyard("pull", name)
    assert plain.stdout == f"{name}\n"
    assert plain.stderr.splitlines()[0] == "1: Pulling from team/app"
    assert plain.stderr.splitlines()[-1] == f"Status: Downloaded newer image for {name}"
    lines = [
        json.loads(line) for line in dockyard("pull", "--progress=json", name).stdout.splitlines()
    ]
    assert lines[0] == {"status": "Pulling from team/app", "id": "1"}
    assert lines[-1] == {"status": f"Status: Image is up to date for {name}"}
    quiet = dockyard("image", "pull", "-q", name)
    assert (quiet.stdout, quiet.stderr) == (f"{name}\n", "")
    missing = dockyard("pull", f"{registry.host}/team/app:2")
    assert missing.returncode == 1
    assert "has no manifest 'team/app:2'" in missing.stderr


def test_a_registry_there_and_back(
    app: str,
    dockyard: Dockyard,
    require: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with debian_registry(require("docker-registry"), tmp_path / "registry") as registry:
        name = f"{registry.host}/team/app"
        for tag in ("1", "2"):
            dockyard("tag", "app", f"{name}:{tag}")
        pushed = dockyard("push", "-a", name)
        assert pushed.returncode == 0, pushed.stderr
        assert f"The push refers to repository [{name}]" in pushed.stderr
        dockyard("rmi", "-f", app)
        pulled = dockyard("pull", "-aq", name).stdout.split()
        assert sorted(pulled) == [f"{name}:1", f"{name}:2"]
        assert dockyard("images", "-q", "--no-trunc").stdout == f"{app}\n"
        assert dockyard("images", "--digests", "--format", "{{.Digest}}").stdout.startswith(
            "sha256:"
        )
        login = dockyard("login", "-u", "me", "--password-stdin", registry.host, stdin="secret\n")
        assert login.stdout.startswith("Login Succeeded")
        assert dockyard("logout", registry.host).stdout.startswith("Removing login credentials")
        assert dockyard("logout", registry.host).stdout == f"Not logged in to {registry.host}\n"
