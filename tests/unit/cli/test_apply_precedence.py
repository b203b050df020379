"""One test a row of ``docs/variables.md``: each place wins over the one above it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent.parent
TWINS = TOP / "tests/root/twins/language"
ROWS = re.findall(r"^\| (\d+) \| ([^|]+) \|", (TOP / "docs/variables.md").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each name held on a host: by the number of a row, the row that won."""
    site = tmp_path_factory.mktemp("precedence") / "site"
    shutil.copytree(TWINS / "precedence.d", site)
    shutil.copy(TWINS / "precedence.yml", site / "site.yml")
    words = ("site.yml", "-i", "inventory", "-e", "v22=level22", "-e", f"place={site}")
    argv = (sys.executable, "-m", "toolkit.cli.entry", "apply", *words)
    env = {**os.environ, "DOCKYARD_DATA_ROOT": str(site / "data")}
    done = subprocess.run(
        argv,
        check=False,
        capture_output=True,
        text=True,
        env=env,
        cwd=site,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.split() for line in (site / "levels").read_text().splitlines())


@pytest.mark.parametrize(("number", "place"), ROWS, ids=[place for _, place in ROWS])
def test_the_place_wins_over_the_one_above_it(
    levels: dict[str, str], number: str, place: str
) -> None:
    assert levels[number] == f"level{number}", place


def test_the_table_is_whole() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(2, 23))
