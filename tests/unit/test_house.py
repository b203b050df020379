"""The size figures that keep the house readable; counted with ``ast``, docstrings included."""

import ast
import math
import os
from pathlib import Path
from statistics import median

import pytest

import toolkit

PACKAGE = Path(__file__).parents[2] / "toolkit"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "share" not in path.parts)


def percentile(values: list[int], part: float) -> int:
    return sorted(values)[math.ceil(part * len(values)) - 1]


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length(node: ast.AST) -> int:
    return int(node.end_lineno - node.lineno + 1)  # type: ignore[attr-defined] # every statement has both


LENGTHS = {
    f"{path.relative_to(PACKAGE)}:{node.name}": length(node)
    for path in FILES
    for node in functions(path)
}
LINES = {str(path.relative_to(PACKAGE)): len(path.read_text().splitlines()) for path in FILES}


def test_files_stay_short() -> None:
    too_long = {name: count for name, count in LINES.items() if count > 600}
    assert not too_long
    written = [count for count in LINES.values() if count > 5]
    assert percentile(written, 0.95) <= 400
    assert median(written) <= 120


def test_functions_stay_short() -> None:
    too_long = {name: count for name, count in LENGTHS.items() if count > 80}
    assert not too_long
    values = list(LENGTHS.values())
    assert percentile(values, 0.95) <= 40
    assert median(values) <= 9
    assert sum(count > 60 for count in values) <= 0.01 * len(values)


def test_broad_excepts_are_few_and_reasoned() -> None:
    broad, total = [], 0
    for path in FILES:
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                total += 1
                if node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"):
                    broad.append((path, node, lines[node.lineno - 1]))
    swallowing = [
        f"{path}:{node.lineno}"
        for path, node, line in broad
        if not _raises_again(node) and "BLE001 - " not in line
    ]
    assert not swallowing
    kept = [node for _, node, _ in broad if not _raises_again(node)]
    assert len(kept) <= max(1, 0.03 * total)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


@pytest.mark.parametrize("room", sorted(path.parent for path in PACKAGE.glob("*/__init__.py")))
def test_a_rooms_init_is_a_docstring(room: Path) -> None:
    tree = ast.parse((room / "__init__.py").read_text())
    assert ast.get_docstring(tree), "why the room exists and what it must never know"
    assert len(tree.body) == 1, "an __init__ holds no code"


def test_every_exemption_has_a_reason() -> None:
    bare = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ("# noqa" in line and " - " not in line.split("# noqa")[1])
        or ("type: ignore" in line and "#" not in line.split("type: ignore")[1])
    ]
    assert not bare


def test_the_words_of_unfinished_work_are_absent() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error")
    found = [
        f"{path.relative_to(PACKAGE)}: {word}"
        for path in FILES
        for word in words
        if word in path.read_text()
    ]
    assert not found


@pytest.mark.skipif("DOCKYARD_TEST_WHEEL" not in os.environ, reason="ci/test runs the wheel")
def test_the_installed_wheel_is_what_is_tested() -> None:
    assert "site-packages" in str(toolkit.__file__)
