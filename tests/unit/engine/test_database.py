import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.core.errors import ConflictError, NotFoundError, ToolkitError
from toolkit.core.record import replace
from toolkit.engine.database import MAKING, READY, Database, Row


def row(container: str, name: str, *, created: float = 1.0, phase: str = READY) -> Row:
    return Row(
        id=container,
        name=name,
        image="host",
        config="{}",
        created=created,
        phase=phase,
        owner="",
        auto_remove=False,
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(str(tmp_path / "data" / "state.db"))
    yield opened
    opened.close()


def test_a_row_comes_back_as_it_went(database: Database) -> None:
    made = row("ab12", "web")
    database.insert(made)
    assert database.find("web") == made
    assert database.all() == [made]


def test_a_container_is_found_by_id_name_or_beginning(database: Database) -> None:
    database.insert(row("ab12", "web"))
    database.insert(row("ac34", "ab"))
    assert database.find("ab12").name == "web"
    assert database.find("ab").id == "ac34"
    assert database.find("ac").id == "ac34"
    with pytest.raises(ConflictError, match="more than one"):
        database.find("a")


@pytest.mark.parametrize("reference", ["wob", "", "*", "../x", "a b"])
def test_an_unknown_one_is_not_found(database: Database, reference: str) -> None:
    database.insert(row("ab12", "web"))
    with pytest.raises(NotFoundError, match="no such container") as caught:
        database.find(reference)
    assert reference != "wob" or caught.value.hint == "did you mean 'web'?"


def test_a_name_is_taken_once(database: Database) -> None:
    database.insert(row("ab12", "web"))
    with pytest.raises(ConflictError, match="the name 'web' is in use by container ab12"):
        database.insert(row("cd34", "web"))


def test_phases(database: Database) -> None:
    database.insert(row("ab12", "web", phase=MAKING))
    assert [found.id for found in database.unsettled()] == ["ab12"]
    database.move("ab12", phase=READY)
    assert database.unsettled() == []
    database.insert(replace(row("cd34", "db"), auto_remove=True))
    assert [found.id for found in database.unsettled()] == ["cd34"]
    database.delete("cd34")
    assert [found.id for found in database.all()] == ["ab12"]


def test_the_newest_comes_first(database: Database) -> None:
    database.insert(row("ab12", "old", created=1.0))
    database.insert(row("cd34", "new", created=2.0))
    assert [found.name for found in database.all()] == ["new", "old"]


def test_a_second_opening_sees_the_first(database: Database, tmp_path: Path) -> None:
    database.insert(row("ab12", "web"))
    other = Database(str(tmp_path / "data" / "state.db"))
    assert other.find("web").id == "ab12"
    other.close()


def test_the_file_is_private(database: Database, tmp_path: Path) -> None:
    del database
    assert (tmp_path / "data" / "state.db").stat().st_mode & 0o777 == 0o600


def test_a_broken_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("no database" * 100)
    with pytest.raises(ToolkitError, match=r"state\.db' cannot be used"):
        Database(str(tmp_path / "state.db"))


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(ToolkitError, match="newer dockyard"):
        Database(str(path))


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    script = "import sys; from toolkit.engine.database import Database\n"
    script += "sys.stdin.read(1); Database(sys.argv[1]).close()"
    for number in range(4):
        argv = (sys.executable, "-c", script, str(tmp_path / f"{number}.db"))
        opening = [subprocess.Popen(argv, stdin=subprocess.PIPE) for _ in range(6)]
        for one in opening:  # all of them wait by now, or nearly
            assert one.stdin
            one.stdin.write(b"x")
            one.stdin.flush()
        for one in opening:
            one.communicate()
        assert [one.returncode for one in opening] == [0] * 6
