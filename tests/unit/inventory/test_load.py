"""Inventories of every format and the variables beside them."""

from pathlib import Path

import pytest

from toolkit.core.errors import InvalidInputError, MissingInputError
from toolkit.inventory.load import load
from toolkit.inventory.model import this_machine

YAML = """\
all:
  vars: {ntp: time}
  hosts:
    lone:
  children:
    web:
      hosts:
        w[1:2]: {port: 80}
      vars: {role: front}
      children:
        edge: {hosts: {e1: }}
"""
TOML = """\
[web]
hosts = ["w1", "w2"]
vars = {role = "front"}
[prod]
children = ["web"]
"""
SCRIPT = """\
#!/bin/sh
echo '{"web": {"hosts": ["w1"], "vars": {"a": 1}}, "list": ["w2"],
  "prod": {"children": ["web"]}, "_meta": {"hostvars": {"w1": {"b": 2}}}}'
"""


def write(path: Path, text: str, mode: int = 0o644) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_yaml(tmp_path: Path) -> None:
    site = load(write(tmp_path / "site.yml", YAML))
    assert site.members("web") == ("w1", "w2", "e1")
    assert site.variables("w1") == {"ntp": "time", "role": "front", "port": 80}
    assert site.listing()["ungrouped"] == ["lone"]


def test_toml(tmp_path: Path) -> None:
    site = load(write(tmp_path / "site.toml", TOML))
    assert site.members("prod") == ("w1", "w2")
    assert site.variables("w1") == {"role": "front"}


def test_an_executable_prints_json(tmp_path: Path) -> None:
    site = load(write(tmp_path / "site", SCRIPT, 0o755))
    assert site.members("prod") == ("w1",)
    assert site.members("list") == ("w2",)
    assert site.variables("w1") == {"a": 1, "b": 2}


def test_variables_beside_the_inventory_win_in_ansible_s_order(tmp_path: Path) -> None:
    path = write(tmp_path / "hosts", "[web]\nw1 own=1\n[web:vars]\na=inventory\nb=inventory\n")
    write(tmp_path / "group_vars/all.yml", "a: all\nb: all\nc: all\n")
    write(tmp_path / "group_vars/web/main.yml", "b: web\nown: web\n")
    write(tmp_path / "host_vars/w1.yml", "d: host\n")
    found = load(path).variables("w1")
    assert found == {"a": "all", "b": "web", "c": "all", "own": 1, "d": "host"}


def test_a_folder_of_inventories_and_a_list_of_hosts(tmp_path: Path) -> None:
    write(tmp_path / "a.yml", "web: {hosts: {w1: }}\n")
    write(tmp_path / "b", "[db]\nd1\n")
    assert set(load(str(tmp_path)).hosts) == {"w1", "d1"}
    assert tuple(load("x,y,").hosts) == ("x", "y")


def test_none_means_this_machine() -> None:
    assert this_machine().variables("localhost") == {"ansible_connection": "local"}


@pytest.mark.parametrize(
    ("name", "text", "mode", "said"),
    [
        ("s.yml", "web:\n  hosts:\n - x", 0o644, "s.yml:3:2: not YAML"),
        ("s.yml", "web: {hsots: {}}", 0o644, "s.yml: web.hsots: unknown key of a group"),
        ("s.yml", "web: {hosts: 3}", 0o644, "web.hosts: expected a mapping, not 3"),
        ("s.toml", "web = ", 0o644, "s.toml: not TOML"),
        ("s", "#!/bin/sh\necho no", 0o755, "printed no JSON"),
        ("s", "#!/bin/sh\nexit 3", 0o755, "ended with status 3"),
        ("s", "no program", 0o755, "cannot be run"),
    ],
)
def test_a_fault_names_the_file(tmp_path: Path, name: str, text: str, mode: int, said: str) -> None:
    path = write(tmp_path / name, text, mode)
    with pytest.raises(InvalidInputError) as caught:
        load(path)
    assert said in caught.value.message


def test_a_missing_inventory_names_the_nearest_file(tmp_path: Path) -> None:
    write(tmp_path / "hosts.ini", "")
    with pytest.raises(MissingInputError) as caught:
        load(str(tmp_path / "host.ini"))
    assert caught.value.hint == "did you mean 'hosts.ini'?"
