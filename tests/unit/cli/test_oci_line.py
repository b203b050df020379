"""The command line of ``dockyard-oci``: what is read, what is refused, what it may import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cli.oci import entry, flags
from toolkit.cli.oci.main import COMMANDS, run
from toolkit.cli.oci.places import Where
from toolkit.core.errors import InvalidInputError

# What the cold path may load; each costs every start. Longer than this list it must not get.
START = frozenset(Path(__file__).with_name("oci_imports.txt").read_text().split())
SLOW = ("click", "rich", "pyroute2", "asyncio", "dataclasses", "typing", "subprocess", "inspect")
PROGRAM = """\
import sys
before = set(sys.modules)
sys.path[:0] = {path!r}
from toolkit.cli.oci.main import run
try:
    {status} run({argv!r})
finally:
    print("\\n".join(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def loaded(argv: list[str]) -> set[str]:
    """What a process as bare as the cold path's has loaded after ``argv``."""
    program = PROGRAM.format(
        path=[str(Path(*Path(entry.__file__).parts[:-4]))], argv=argv, status=""
    )
    line = (sys.executable, "-I", "-S", "-c", program)
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    words = {word for word in done.stderr.splitlines() if " " not in word}
    return {word for word in words if not word.startswith(("_", "encodings"))}  # Python's own


def bundle(folder: Path, **changes: object) -> str:
    """A bundle that is refused late, when all is imported: its root is no directory."""
    config = {"process": {"args": ["true"], "cwd": "/"}, "root": {"path": "no"}, **changes}
    (folder / "config.json").write_text(json.dumps(config))
    return str(folder)


def test_a_start_loads_what_is_on_the_list_and_nothing_more(tmp_path: Path) -> None:
    found = loaded(["--root", str(tmp_path), "run", "--bundle", bundle(tmp_path), "box"])
    assert "toolkit.runtime.init" in found
    assert sorted(found - START) == []


def test_an_exec_loads_nothing_that_only_makes_containers() -> None:
    line = "import sys; import toolkit.cli.oci.entering; print(*sys.modules)"
    home = str(Path(*Path(entry.__file__).parts[:-4]))
    program = f"import sys; sys.path[:0] = [{home!r}]; {line}"
    bare = (sys.executable, "-I", "-S", "-c", program)
    said = subprocess.run(bare, capture_output=True, text=True, check=True).stdout.split()
    assert "toolkit.runtime.entering" in said
    making = {"init", "nest", "plan", "root", "standalone", "groups", "terminal"}
    assert {f"toolkit.runtime.{name}" for name in making}.isdisjoint(said)
    assert "toolkit.cgroup.group" not in said


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_no_command_loads_what_is_slow(tmp_path: Path, command: str) -> None:
    argv = [command, *(["--bundle", bundle(tmp_path)] if command == "create" else [])]
    words = ["box"] if COMMANDS[command].least else []
    if command == "spec":
        argv += ["--bundle", str(tmp_path)]
    assert not loaded(["--root", str(tmp_path), *argv, *words]).intersection(SLOW)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--cgroup-manager", "disabled", "list"], "is cgroupfs or systemd, not 'disabled'"),
        (["--rootless", "true", "list"], "without root are not supported yet"),
        (["--log-format", "xml", "list"], "--log-format is text or json, not 'xml'"),
        (["crate"], "'crate' is no command (did you mean 'create'?)"),
        (["state"], "'oci state' needs an argument"),
        (["state", "a", "b"], "'oci state' does not take 'b'"),
        (["create", "--frob", "a"], "unknown flag: --frob"),
        (["checkpoint", "a"], "'checkpoint' is no command"),
        (["--data-root", "/x", "list"], "unknown flag: --data-root"),
        (["kill", "box", "FROB"], "'FROB' is no signal"),
        (["create", "--preserve-fds", "x", "a"], "--preserve-fds is a whole number, not 'x'"),
        (["list", "--format", "xml"], "--format is table or json, not 'xml'"),
    ],
)
def test_a_bad_line_is_refused(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["--help"], ["help"], ["create", "--help"], ["--version"]])
def test_help_and_version(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 0
    out = capsys.readouterr().out
    assert out.startswith(("usage: dockyard-oci", "dockyard-oci version"))


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["run", "x"], "run"),
        (["--root", "create", "--debug", "exec", "run"], "exec"),
        (["--log=run", "state", "create"], "state"),
        (["--root"], ""),
    ],
)
def test_the_command_is_found_behind_general_flags(argv: list[str], command: str) -> None:
    assert entry._command(argv) == command


def test_every_general_flag_with_a_value_is_known_to_the_entry() -> None:
    with_value = {name for flag in flags.GLOBAL if flag.metavar for name in flag.names}
    assert with_value <= set(entry._WITH_VALUE)


@pytest.mark.parametrize("name", ["a", "A-1_+.b", "0" * 200])
def test_a_good_id(name: str) -> None:
    assert Where(root="/r", warn=lambda _: None).state_dir(name) == f"/r/{name}"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "/x", "a/b", ".x", "ä", "a\n", "x" * 201])
def test_a_bad_id(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is no container id"):
        Where(root="/r", warn=lambda _: None).state_dir(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1, column 2: expecting property name"),
        ("", "line 1, column 1: expecting value"),
        ("[]", "config.json: expected an object, not a list"),
        ('{"process": {"cwd": "/", "args": ["x", 1]}}', "process.args[1]: expected text, not"),
        ('{"process": {"args": ["x"]}}', "process.cwd: missing"),
        ('{"process": {"args": ["x"], "cwd": "rel"}}', "process.cwd: expected an absolute path"),
        ("{}", "process: a container needs one to run"),
        ('{"process": {"args": ["x"], "cwd": "/"}}', "root: a container needs a root file system"),
        ('{"mounts": [{"destination": "x"}]}', "mounts[0].destination: expected an absolute path"),
        ('{"linux": {"namespaces": [{"type": "net"}]}}', "linux.namespaces[0].type: unknown"),
        (
            '{"linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}}',
            "linux.namespaces[1].type: 'pid' is listed twice",
        ),
    ],
)
def test_a_bad_bundle_is_refused_with_the_place(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.json").write_text(text)
    states = tmp_path / "states"
    assert run(["--root", str(states), "create", "--bundle", str(tmp_path), "box"]) == 1
    err = capsys.readouterr().err
    assert "config.json: " in err
    assert said in err
    assert not states.exists()


def test_features_and_spec_agree_with_what_is_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["features"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ociVersionMax"] == "1.2.0"
    assert {"user", "time"} <= set(told["linux"]["namespaces"])
    assert "SCMP_ACT_NOTIFY" in told["linux"]["seccomp"]["actions"]
    assert {"tmpcopyup", "rro", "bind", "ridmap", "rshared"} <= set(told["mountOptions"])
    assert run(["spec", "--bundle", str(tmp_path)]) == 0
    config = json.loads((tmp_path / "config.json").read_text())
    kinds = {entry["type"] for entry in config["linux"]["namespaces"]}
    assert kinds <= set(told["linux"]["namespaces"])
