import itertools
import os
import subprocess
from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.modes import parse

SYMBOLIC = (
    "u+s g=u o-rwx +x =r a=rX u=rwx,g=rx,o= +t u-x,+X g+s,o=g u=rws -w +w a+t u= go=u-w g-s o+t"
)


@pytest.mark.parametrize(("text", "mode"), [("0644", 0o644), ("644", 0o644), ("1777", 0o1777)])
def test_octal_digits_stand_for_themselves(text: str, mode: int) -> None:
    assert parse(text, now=0o4755) == mode


def test_symbolic_modes_do_what_chmod_does(tmp_path: Path) -> None:
    starts = (0o644, 0o755, 0o4755, 0o1777, 0o2640, 0)
    for text, start in itertools.product(SYMBOLIC.split(), starts):
        path = tmp_path / f"{text}-{start:o}"
        path.touch()
        path.chmod(start)
        subprocess.run(["chmod", text, path], check=False, umask=0o022, capture_output=True)
        assert parse(text, now=start) == os.stat(path).st_mode & 0o7777, (text, oct(start))


def test_a_capital_x_is_for_directories() -> None:
    assert parse("a+X", now=0o644, directory=True) == 0o755
    assert parse("a+X", now=0o644) == 0o644


@pytest.mark.parametrize("text", ["", "0899", "99999", "u+q", "rwxr-xr-x", "u", "7777777"])
def test_what_is_no_mode_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no mode"):
        parse(text, now=0)
