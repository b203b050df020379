"""``login`` and ``logout``."""

import getpass
import sys

from toolkit.cli.images.opening import access, credentials
from toolkit.cli.verb import Call, Flag, Verb
from toolkit.core.errors import InvalidInputError
from toolkit.oci.reference import DEFAULT_DOMAIN


def _login(call: Call) -> int:
    from toolkit.images.registry.credentials import Login  # noqa: PLC0415 - only for a login
    from toolkit.images.registry.login import check_login  # noqa: PLC0415 - as above

    host = _host(call)
    username = call.text("username") or _asked(f"Username for {host}: ")
    login = Login(username=username, password=_password(call, username))
    kept = check_login(access(), host, login)
    where = credentials().store(host, kept)
    print(f"Login Succeeded; kept in {where}")
    return 0


def _password(call: Call, username: str) -> str:
    if call.flag("password-stdin"):
        if call.text("password"):
            raise InvalidInputError("--password and --password-stdin exclude each other")
        if not call.text("username"):
            raise InvalidInputError("--password-stdin needs --username")
        return sys.stdin.read().rstrip("\r\n")
    if call.text("password"):
        print("warning: a password in --password shows in the list of processes", file=sys.stderr)
        return call.text("password")
    if not sys.stdin.isatty():
        raise InvalidInputError(
            "there is no terminal to ask for a password on", hint="say --password-stdin"
        )
    return getpass.getpass(f"Password of {username}: ")


def _asked(text: str) -> str:
    if not sys.stdin.isatty():
        raise InvalidInputError(
            "there is no terminal to ask for a name on", hint="say --username and --password-stdin"
        )
    return input(text)


def _logout(call: Call) -> int:
    host = _host(call)
    if credentials().forget(host):
        print(f"Removing login credentials for {host}")
    else:
        print(f"Not logged in to {host}")
    return 0


def _host(call: Call) -> str:
    """The registry, by host and port; a URL may be written."""
    text = call.args[0] if call.args else DEFAULT_DOMAIN
    return text.removeprefix("https://").removeprefix("http://").partition("/")[0]


LOGIN = Verb(
    name="login",
    usage="[FLAGS] [REGISTRY]",
    summary="Log in to a registry, and keep it where Docker does.",
    flags=(
        Flag(names=("-u", "--username"), metavar="NAME", help="Whom to log in"),
        Flag(names=("-p", "--password"), metavar="PASSWORD", help="The password (better: stdin)"),
        Flag(names=("--password-stdin",), help="Read the password from stdin"),
    ),
    act=_login,
    least=0,
    most=1,
)
LOGOUT = Verb(
    name="logout",
    usage="[REGISTRY]",
    summary="Forget the login of a registry.",
    flags=(),
    act=_logout,
    least=0,
    most=1,
)
