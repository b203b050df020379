"""Expressions have the values that ansible-core gives them: each is rendered by both."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolkit.playbook.scope import Scope

EXPRESSIONS = [
    line
    for line in (Path(__file__).parent / "data/expressions.txt").read_text().splitlines()
    if line
]
VARIABLES = {"x": {"y": [5]}}
# In a process of its own: importing it warns, starts threads and reads configuration files.
_SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.plugins.loader import init_plugin_loader
from ansible.template import trust_as_template
init_plugin_loader([])
expressions, variables = json.load(sys.stdin)
templar = Templar(loader=DataLoader(), variables=variables)
found = []
for expression in expressions:
    try:
        value = templar.template(trust_as_template("{{ " + expression + " }}"))
        found.append(json.loads(json.dumps(value, default=str)))
    except Exception as error:
        found.append(f"error: {error}")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    done = subprocess.run(
        (sys.executable, "-c", _SCRIPT),
        check=True,
        input=json.dumps([EXPRESSIONS, VARIABLES]),
        capture_output=True,
        text=True,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    return dict(zip(EXPRESSIONS, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_both_say_the_same(expression: str, theirs: dict[str, Any]) -> None:
    scope = Scope(written=VARIABLES, extra={}, magic={}, facts=dict)
    ours = scope.render("{{ " + expression + " }}")
    assert json.loads(json.dumps(ours, default=str)) == theirs[expression]
