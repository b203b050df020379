import pytest

from toolkit.cli.terminal import Interrupted
from toolkit.cli.verb import Call, Flag, Verb, each, perform, read
from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError
from toolkit.runtime.client import StartError


def act(call: Call) -> int:
    del call
    return 0


FLAGS = (
    Flag(names=("-i", "--interactive"), help=""),
    Flag(names=("-t", "--tty"), help=""),
    Flag(names=("-e", "--env"), metavar="K=V", many=True, help=""),
    Flag(names=("-m", "--memory"), metavar="SIZE", help=""),
    Flag(names=("--rm",), help=""),
)
GREEDY = Verb(name="run", usage="IMAGE", summary="", flags=FLAGS, act=act, greedy=True)
PLAIN = Verb(name="stop", usage="CONTAINER", summary="", flags=FLAGS, act=act)


@pytest.mark.parametrize(
    ("argv", "values", "args"),
    [
        ("-it box", {"interactive": True, "tty": True}, ("box",)),
        ("-i -t box", {"interactive": True, "tty": True}, ("box",)),
        ("-itm 1m box", {"interactive": True, "tty": True, "memory": "1m"}, ("box",)),
        ("-eA=1 -e B=2 --env C=3 --env=D=4 box", {"env": ["A=1", "B=2", "C=3", "D=4"]}, ("box",)),
        ("-e=A=1 box", {"env": ["A=1"]}, ("box",)),
        ("-m1m box", {"memory": "1m"}, ("box",)),
        ("-m 1m --memory=2m box", {"memory": "2m"}, ("box",)),
        ("--rm=false box", {"rm": False}, ("box",)),
        ("--rm=true -i=0 box", {"rm": True, "interactive": False}, ("box",)),
        ("box ls -l --rm", {}, ("box", "ls", "-l", "--rm")),
        ("--rm -- -box -i", {"rm": True}, ("-box", "-i")),
        ("- x", {}, ("-", "x")),
        ("--env -x box", {"env": ["-x"]}, ("box",)),
        ("--root /r --data-root=/d box", {"root": "/r", "data-root": "/d"}, ("box",)),
    ],
)
def test_flags_are_read_as_dockers(
    argv: str, values: dict[str, object], args: tuple[str, ...]
) -> None:
    call = read(GREEDY, argv.split())
    assert (call.values, call.args) == (values, args)


def test_flags_may_follow_where_no_command_does() -> None:
    call = read(PLAIN, ["web", "--rm", "db", "-i"])
    assert call.args == ("web", "db")
    assert call.flag("rm")
    assert call.flag("interactive")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("--memroy 1m box", "unknown flag: --memroy"),
        ("-x box", "unknown shorthand flag: 'x' in -x"),
        ("-ix box", "unknown shorthand flag: 'x' in -ix"),
        ("--memory", "flag needs a value: --memory SIZE"),
        ("-m", "flag needs a value: -m SIZE"),
        ("--rm=maybe box", "--rm is true or false, not 'maybe'"),
        ("--rm", "'run' needs an argument"),
    ],
)
def test_bad_lines(argv: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(GREEDY, argv.split())
    assert caught.value.message == message


def test_the_nearest_flag_is_told() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(GREEDY, ["--memroy"])
    assert caught.value.hint == "did you mean '--memory'?"


def test_too_many_arguments() -> None:
    verb = Verb(name="ps", usage="", summary="", flags=(), act=act, least=0, most=0)
    with pytest.raises(InvalidInputError, match="'ps' does not take 'x'"):
        read(verb, ["x"])


def failing(error: BaseException, fault: int = 0) -> int:
    def fail(call: Call) -> int:
        del call
        raise error

    verb = Verb(name="v", usage="", summary="", flags=(), act=fail, least=0, fault=fault)
    return perform(verb, [])


@pytest.mark.parametrize(
    ("error", "fault", "status"),
    [
        (NotFoundError("x"), 0, 1),
        (NotFoundError("x"), 125, 125),
        (StartError("x", status=127), 125, 127),
        (StartError("x", status=126), 0, 126),
        (PermissionError(1, "no", "/x"), 125, 125),
        (OSError(28, "No space left on device", "/x"), 0, 1),
        (KeyboardInterrupt(), 125, 130),
        (Interrupted(15), 125, 143),
    ],
)
def test_statuses(error: Exception, fault: int, status: int) -> None:
    assert failing(error, fault) == status


def test_a_failure_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    failing(ToolkitError("it broke", hint="mend it"))
    assert capsys.readouterr().err == "dockyard: it broke\nhint: mend it\n"
    failing(OSError(28, "No space left on device", "/data"))
    assert capsys.readouterr().err == "dockyard: '/data': No space left on device\n"


def test_a_bad_line_is_125_and_points_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert perform(GREEDY, ["-x"]) == 125
    assert "hint: see 'dockyard run --help'" in capsys.readouterr().err


def test_each_goes_on_after_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    def one(name: str) -> None:
        if name == "b":
            raise NotFoundError("no such container: 'b'")

    assert each(("a", "b", "c"), one) == 1
    said = capsys.readouterr()
    assert said.out == "a\nc\n"
    assert said.err == "dockyard: no such container: 'b'\n"
