"""The real ``docker`` command and docker-py: files in and out of containers."""

import io
import os
import tarfile
from pathlib import Path

import docker as sdk
import pytest

from support.api import Docker

pytestmark = pytest.mark.root
ALONE = ("--network", "none", "host")


def test_files_are_copied_in_and_out_of_running_and_ended_ones(
    docker: Docker, tmp_path: Path
) -> None:
    (tmp_path / "dir" / "deep").mkdir(parents=True)
    (tmp_path / "dir" / "deep" / "file").write_text("text\n")
    os.symlink("deep/file", tmp_path / "dir" / "link")
    docker.said("run", "-d", "--name", "web", *ALONE, "sleep", "1000")
    docker.said("cp", str(tmp_path / "dir"), "web:/srv")
    assert docker.said("exec", "web", "cat", "/srv/dir/link") == "text\n"
    docker.said("cp", "web:/srv/dir/deep/file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "text\n"
    docker.said("kill", "web")
    docker.said("wait", "web")
    docker.said("cp", "web:/srv/dir/.", str(tmp_path / "all"))
    assert sorted(os.listdir(tmp_path / "all")) == ["deep", "link"]
    docker.said("cp", "-L", "web:/srv/dir/link", str(tmp_path / "followed"))
    assert (tmp_path / "followed").read_text() == "text\n"
    docker.said("cp", str(tmp_path / "back"), "web:/srv/new")
    docker.said("start", "web")
    assert docker.said("exec", "web", "cat", "/srv/new") == "text\n"
    assert "Could not find the file /none" in docker.refused("cp", "web:/none", str(tmp_path))


def test_a_link_of_the_container_leads_nowhere_else(docker: Docker, tmp_path: Path) -> None:
    script = "ln -s / /srv/out; sleep 1000"
    docker.said("run", "-d", "--name", "web", *ALONE, "sh", "-c", script)
    secret = tmp_path / "secret"
    secret.write_text("the host's\n")
    refused = docker.refused("cp", f"web:/srv/out{secret}", str(tmp_path / "stolen"))
    assert "Could not find the file" in refused
    docker.said("cp", str(secret), "web:/srv/out/placed")
    assert docker.said("exec", "web", "cat", "/placed") == "the host's\n"
    assert not Path("/placed").exists()


def test_docker_py_reads_writes_and_exports_archives(docker: Docker, root: Path) -> None:
    docker.said("import", str(root), "base:1")
    docker.said("create", "--name", "web", "--network", "none", "base:1", "sleep", "1000")
    client = sdk.DockerClient(base_url=docker.server.url, timeout=120)
    box = client.containers.get("web")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        info = tarfile.TarInfo("file")
        info.size, info.uid, info.mode = 2, 33, 0o640
        tar.addfile(info, io.BytesIO(b"x\n"))
    assert box.put_archive("/", packed.getvalue())
    pieces, about = box.get_archive("/file")
    assert (about["name"], about["size"], about["mode"]) == ("file", 2, 0o640)
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert [(one.name, one.uid) for one in tar] == [("file", 33)]
    with tarfile.open(fileobj=io.BytesIO(b"".join(box.export()))) as tar:
        names = tar.getnames()
    assert {"file", "bin/busybox", "bin/sh"} <= set(names)
    with pytest.raises(sdk.errors.NotFound, match="Could not find the file"):
        box.get_archive("/none")
    client.close()
