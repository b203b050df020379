"""The real ``docker`` command: images, builds, commits, registries."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import Docker, serving
from support.registries import debian_registry, make_certificate

pytestmark = pytest.mark.root


def test_an_image_is_imported_named_saved_loaded_and_removed(
    docker: Docker, root: Path, tmp_path: Path
) -> None:
    image = docker.said("import", "-c", "ENV A=5", "-m", "made", str(root), "base:1").strip()
    run = ("run", "--rm", "--network", "none")
    assert docker.said(*run, "base:1", "sh", "-c", "echo $A") == "5\n"
    docker.said("tag", "base:1", "other:2")
    assert docker.said("images", "-q", "--no-trunc").splitlines() == [image, image]
    (shown,) = json.loads(docker.said("inspect", "other:2"))
    assert (shown["Id"], shown["RepoTags"]) == (image, ["base:1", "other:2"])
    assert "made" in docker.said("history", "base:1")
    docker.said("save", "-o", str(tmp_path / "saved.tar"), "base:1", "other:2")
    keeper = docker.said("create", "--network", "none", "base:1", "sh").strip()
    assert "cannot be removed" in docker.refused("rmi", image)
    docker.said("rm", keeper)
    assert docker.said("rmi", "base:1", "other:2").endswith(f"Deleted: {image}\n")
    assert "No such image: base:1" in docker.refused("image", "inspect", "base:1")
    loaded = docker.said("load", "-i", str(tmp_path / "saved.tar"))
    assert loaded == "Loaded image: base:1\nLoaded image: other:2\n"
    assert "Total reclaimed space" in docker.said("image", "prune", "-af")
    assert docker.said("images", "-q") == ""


def context(path: Path, dockerfile: str) -> str:
    """A build's context with one file."""
    path.mkdir()
    (path / "Dockerfile").write_text(dockerfile)
    (path / "file").write_text("copied\n")
    return str(path)


def test_a_build_tells_its_steps_and_uses_what_was_built(
    docker: Docker, root: Path, tmp_path: Path
) -> None:
    docker.said("import", str(root), "base:1")
    file = (
        'FROM base:1\nARG A=1\nRUN echo "got $A" > /said; cat /said\nCOPY file /file\nCMD cat /file'
    )
    place = context(tmp_path / "context", file)
    build = ("build", "--network", "none", "--build-arg", "A=7", "--label", "x=y")
    told = docker.said(*build, "-t", "made:1", place)
    assert "Step 1/5 : FROM base:1" in told
    assert "\ngot 7\n" in told
    assert told.endswith("Successfully tagged made:1\n")
    assert docker.said("run", "--rm", "--network", "none", "made:1") == "copied\n"
    assert docker.said("inspect", "-f", "{{.Config.Labels.x}}", "made:1") == "y\n"
    assert docker.said(*build, place).count("Using cache") == 4
    assert docker.said(*build, "-q", place).startswith("sha256:")
    docker.said("builder", "prune", "-f")
    assert "Using cache" not in docker.said(*build, place)
    assert "TYPE" in docker.said("system", "df")


def test_a_build_that_fails_says_where_and_with_which_status(
    docker: Docker, root: Path, tmp_path: Path
) -> None:
    docker.said("import", str(root), "base:1")
    place = context(tmp_path / "context", "FROM base:1\nRUN exit 7\n")
    done = docker("build", "--network", "none", place)
    assert "returned a non-zero code: 7" in done.stderr
    assert done.returncode == 7
    assert "'memory' of a build is not built" in docker.refused("build", "--memory", "64m", place)


def test_a_container_becomes_an_image(docker: Docker, root: Path) -> None:
    docker.said("import", str(root), "base:1")
    docker.said("run", "--name", "one", "--network", "none", "base:1", "sh", "-c", "echo 1 > /new")
    assert docker.said("diff", "one") == "A /new\n"
    docker.said("commit", "-a", "me", "-m", "why", "-c", "CMD busybox cat /new", "one", "made:1")
    assert docker.said("run", "--rm", "--network", "none", "made:1") == "1\n"
    assert docker.said("inspect", "-f", "{{.Author}} {{.Comment}}", "made:1") == "me why\n"


@pytest.fixture
def outside(home: Path, require: Callable[[str], str]) -> Iterator[Docker]:
    """Docker against a server that reaches the test's own registries."""
    with serving(home, require, outside=True) as found:
        yield found


def test_images_are_pushed_and_pulled(
    outside: Docker, root: Path, tmp_path: Path, require: Callable[[str], str]
) -> None:
    docker = outside
    with debian_registry(require("docker-registry"), tmp_path / "registry") as registry:
        name = f"{registry.host}/dir/base:1"
        docker.said("import", str(root), name)
        pushed = docker.said("push", name)
        digest = pushed.rpartition("digest: ")[2].split()[0]
        docker.said("rmi", name)
        pulled = docker.said("pull", name)
        assert f"Digest: {digest}" in pulled
        assert "Status: Downloaded newer image" in pulled
        assert "Image is up to date" in docker.said("pull", name)
        docker.said("rmi", name)
        assert (
            docker.said("run", "--rm", "--network", "none", name, "busybox", "echo", "x") == "x\n"
        )
        soon = str(int(time.time()) + 1)  # the command sends whole seconds
        assert f"image pull {name}" in docker.said("events", "--since", "5m", "--until", soon)
        assert "manifest unknown" in docker.refused("pull", f"{registry.host}/dir/base:2")
    assert "does not answer" in docker.refused("pull", name)


def test_a_login_goes_with_each_request_and_is_kept_by_the_client(
    outside: Docker, root: Path, tmp_path: Path, require: Callable[[str], str]
) -> None:
    docker, folder = outside, tmp_path / "registry"
    make_certificate(folder, require("openssl"))
    made = [require("htpasswd"), "-Bbn", "me", "secret"]
    (folder / "htpasswd").write_bytes(subprocess.run(made, check=True, capture_output=True).stdout)
    extra = {"auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}}
    with debian_registry(require("docker-registry"), folder, extra=extra, tls=True) as registry:
        name = f"{registry.host}/private:1"
        docker.said("import", str(root), name)
        assert "denies access" in docker.refused("push", name)
        login = ("login", "-u", "me", "--password-stdin", registry.host)
        assert docker(*login, text="wrong").returncode != 0
        assert "Login Succeeded" in docker.said(*login, text="secret")
        assert "digest: sha256:" in docker.said("push", name)
        docker.said("rmi", name)
        assert "Downloaded newer image" in docker.said("pull", name)
        docker.said("logout", registry.host)
        assert "denies access" in docker.refused("pull", name)
