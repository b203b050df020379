"""What is encrypted or marked unsafe in files, and what of it is sent and shown."""

from pathlib import Path
from typing import Any

import pytest

from support.plays import messages, run_site
from toolkit.core.secret import Secret
from toolkit.inventory.load import load as load_inventory
from toolkit.playbook.compiler import compile_play
from toolkit.playbook.faults import PlaybookError
from toolkit.playbook.loader import Options, load, load_variables
from toolkit.playbook.secrets import SHOWN, Secrets, collect, needed

SEALED = "$ANSIBLE_VAULT;1.1;AES256\n"


def opened(data: bytes, place: str) -> bytes:
    """A vault for tests: what is below its head, in capitals."""
    assert place
    return data.strip().partition(b"\n")[2].upper()


def site(folder: Path, text: str, **files: str) -> Any:
    for name, content in {"site.yml": text, **files}.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return load(str(folder / "site.yml"), Options(decrypt=opened)).plays[0]


def test_texts_and_files_are_opened(tmp_path: Path) -> None:
    text = (
        "- hosts: all\n  vars_files: [vars]\n  vars:\n    a: !vault |\n"
        f"      {SEALED.strip()}\n      inner\n  tasks:\n    - copy: {{src: key, dest: /k}}\n"
    )
    play = site(tmp_path, text, vars=f"{SEALED}b: [file]\n", files__key=f"{SEALED}content\n")
    assert play.vars == {"a": "INNER"}
    assert collect(play.vars) == {"INNER"}
    assert collect([dict(file.found) for file in play.vars_files]) == {"FILE"}
    made = compile_play(play, decrypt=opened)
    assert list(made.files.values()) == [b"CONTENT"]
    assert made.secrets == {"CONTENT"}


def test_a_missing_password_is_a_fault_with_its_place_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "vars").write_text(SEALED + "x")
    (tmp_path / "site.yml").write_text(
        "- hosts: all\n  vars_files: [vars]\n  tasks:\n    - debgu: {}\n"
        f"    - debug:\n        msg: !vault |\n          {SEALED.strip()}\n          00\n"
    )
    with pytest.raises(PlaybookError) as one:
        load(str(tmp_path / "site.yml"))
    told = [(fault.place.line, fault.message) for fault in one.value.faults]
    assert (4, "unknown module 'debgu'") in told
    assert (6, "this is encrypted, and no password was given") in told
    assert (1, "this is encrypted, and no password was given") in told


def test_inventories_hold_secrets_too(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/all.yml").write_text(f"{SEALED}pass: word\n")
    (tmp_path / "hosts.yml").write_text(
        f"all:\n  hosts:\n    a:\n      v: !vault |\n        {SEALED.strip()}\n        inline\n"
    )
    found = load_inventory(str(tmp_path / "hosts.yml"), decrypt=opened).variables("a")
    assert found == {"PASS": "WORD", "v": "INLINE"}
    assert collect(found) == {"WORD", "INLINE"}


def test_a_file_of_variables_alone(tmp_path: Path) -> None:
    (tmp_path / "v.yml").write_text(f"{SEALED}k: value\n")
    assert load_variables(str(tmp_path / "v.yml"), opened) == {"K": "VALUE"}


def test_unsafe_text_is_never_rendered(tmp_path: Path) -> None:
    ran = run_site(
        tmp_path,
        """\
        - debug: {msg: !unsafe "{{ x }} {% y %}"}
        - debug: {msg: "{{ raw }} {{ raw | length }}"}
        - set_fact: {kept: "{{ raw }}"}
        - debug: {msg: "{{ kept }}"}
        """,
        play='  vars: {raw: !unsafe "{{ z"}\n',
    )
    assert messages(ran) == ["{{ x }} {% y %}", "{{ z 4", "{{ z"]


def test_secrets_are_hidden_wherever_they_turn_up() -> None:
    secrets = Secrets(["top secret", "ab", "two\nlines"])
    told = secrets.hide({"a": ["x top secret y", 1], "b": "two", "c": "lines ab"})
    assert told == {"a": [f"x {SHOWN} y", 1], "b": "two", "c": f"{SHOWN} ab"}
    secrets.add(["later on"])
    assert secrets.hide("it comes later on") == f"it comes {SHOWN}"


def test_a_host_is_sent_no_secret_that_its_play_does_not_name() -> None:
    hidden = Secret("s3cr3t")
    variables = {
        "used": hidden,
        "below": {"x": hidden},
        "unused": hidden,
        "by": "{{ below.x }}",
        "plain": 1,
        "ansible_become_password": "x",
    }
    kept = needed(variables, frozenset({"used", "by"}))
    assert sorted(kept) == ["below", "by", "plain", "used"]
    everything = needed(variables, frozenset({"hostvars"}))
    assert sorted(everything) == ["below", "by", "plain", "unused", "used"]
    assert needed({"a": 1}, frozenset()) == {"a": 1}
