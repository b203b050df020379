import json
import threading
import time
from pathlib import Path
from typing import Any

from toolkit.engine.logs import Span, read_log


def line(text: str, stream: str = "stdout", *, second: int = 0) -> str:
    moment = f"2024-01-01T00:00:{second:02d}.000000000Z"
    return json.dumps({"log": text, "stream": stream, "time": moment}) + "\n"


def texts(path: Path, **span: Any) -> list[str]:
    return [found.text for found in read_log(str(path), Span(**span))]


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


def test_the_last_ones_of_a_long_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(line(f"{number} {'x' * 300}") for number in range(2000)))
    found = texts(path, tail=1500)
    assert [text.split()[0] for text in found] == [str(number) for number in range(500, 2000)]


def test_parts_that_were_set_aside_come_first(tmp_path: Path) -> None:
    (tmp_path / "log.2").write_text(line("a") + line("b"))
    (tmp_path / "log.1").write_text(line("c"))
    path = tmp_path / "log"
    path.write_text(line("d") + line("e"))
    assert texts(path) == ["a", "b", "c", "d", "e"]
    assert texts(path, tail=4) == ["b", "c", "d", "e"]
    assert texts(path, tail=2) == ["d", "e"]


def test_between_two_moments(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("".join(line(str(number), second=number) for number in range(10)))
    since, until = "2024-01-01T00:00:03.000000000Z", "2024-01-01T00:00:05.000000000Z"
    assert texts(path, since=since, until=until) == ["3", "4", "5"]


def test_a_log_that_is_set_aside_is_followed_into_the_next(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(line("a"))
    running = [True]

    def turn() -> None:
        time.sleep(0.1)
        with path.open("a") as file:
            file.write(line("b"))
        path.rename(tmp_path / "log.1")
        path.write_text(line("c"))
        time.sleep(0.15)
        running[0] = False

    turner = threading.Thread(target=turn)
    turner.start()
    found = [each.text for each in read_log(str(path), more=lambda: running[0])]
    turner.join()
    assert found == ["a", "b", "c"]
