import hashlib

import pytest

from toolkit.agent.host import AgentHost
from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError


def test_a_file_that_came_along_is_found_by_digest() -> None:
    digest = "sha256:" + hashlib.sha256(b"content").hexdigest()
    assert AgentHost({digest: b"content"}).artifact(digest) == b"content"


def test_a_file_that_did_not_come_or_is_another_one() -> None:
    with pytest.raises(NotFoundError, match="no file with the digest 'sha256:0'"):
        AgentHost({}).artifact("sha256:0")
    with pytest.raises(ConflictError, match="is another one"):
        AgentHost({"sha256:0": b"x"}).artifact("sha256:0")


def test_programs_speak_a_stable_language() -> None:
    assert AgentHost({}).run(("sh", "-c", "echo $LC_ALL")).stdout == "C.UTF-8\n"


def test_what_acts_takes_stdin_and_environment() -> None:
    done = AgentHost({}).execute(("sh", "-c", "cat; echo $A"), stdin="in\n", env={"A": "b"})
    assert done is not None
    assert (done.stdout, done.status) == ("in\nb\n", 0)


def test_a_missing_program_is_status_127() -> None:
    done = AgentHost({}).run(("no-such-program",))
    assert (done.status, done.stderr) == (127, "'no-such-program' is not installed\n")


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ToolkitError, match="did not end"):
        AgentHost({}).run(("sleep", "60"), timeout=0.1)
