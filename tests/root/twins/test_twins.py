"""Playbooks that ansible-core and we must run alike; ``support.twins`` says how to add one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.twins import TWINS, Twin, differences, playbooks

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]  # ansible-core takes its time
ALL = [path for folder in ("language", "modules") for path in playbooks(folder)]


@pytest.mark.timeout(900)  # ansible-core takes a second a task on a busy machine
@pytest.mark.parametrize("playbook", ALL, ids=lambda path: str(path.relative_to(TWINS)))
def test_both_run_it_alike(playbook: Path, tmp_path: Path, require: Callable[[str], str]) -> None:
    require("unshare")
    assert not differences(playbook, tmp_path)


def test_an_allowance_that_fits_nothing_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("# differs: registered box.a.*: why\n# differs: file /b: why\n")
    found = Twin.read(path).unexpected(["registered box.a.msg: 1 here, 2", "task x: ok here"])
    assert found == ["task x: ok here", "'# differs: file /b' fits nothing"]
