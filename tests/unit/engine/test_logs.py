import json
import threading
import time
from pathlib import Path

from toolkit.engine.logs import read_log


def line(text: str, stream: str = "stdout") -> str:
    return json.dumps({"log": text, "stream": stream, "time": "2024-01-01T00:00:00Z"}) + "\n"


def texts(path: Path, *, tail: int | None = None) -> list[str]:
    return [found.text for found in read_log(str(path), tail=tail)]


def test_lines_and_streams(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line("a\n") + line("b\n", "stderr"))
    assert [(found.text, found.stream) for found in read_log(str(path))] == [
        ("a\n", "stdout"),
        ("b\n", "stderr"),
    ]


def test_the_last_ones(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(line(str(number)) for number in range(5)))
    assert texts(path, tail=2) == ["3", "4"]
    assert texts(path, tail=0) == []
    assert texts(path, tail=9) == ["0", "1", "2", "3", "4"]


def test_no_log_is_no_lines(tmp_path: Path) -> None:
    assert texts(tmp_path / "none") == []


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line("a") + '{"log": "b", "str\n' + '{"log": 1}\n' + line("c"))
    assert texts(path) == ["a", "c"]


def test_following_waits_for_whole_lines_and_the_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line("a"))
    running = [True]

    def write() -> None:
        whole = line("b")
        with path.open("a") as file:
            file.write(whole[:10])
            file.flush()
            time.sleep(0.15)
            file.write(whole[10:])
        running[0] = False

    writer = threading.Thread(target=write)
    writer.start()
    found = [each.text for each in read_log(str(path), more=lambda: running[0])]
    writer.join()
    assert found == ["a", "b"]
