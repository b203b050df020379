"""Start the agent at the other end of a connection; needs sshd, sh and python3 there.

One exec, no file but the bundle: sh looks for a python3, that runs the finder from its arguments
and the loader from its stdin; the loader takes the bundle from stdin too, if the host has not kept
it, then serves.
"""

import base64
import contextlib
import json
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import fabric

from toolkit.core.errors import UnavailableError, UnsupportedError
from toolkit.ssh import finder, loader
from toolkit.ssh.bundle import Bundle, bundle
from toolkit.ssh.channel import SshChannel
from toolkit.ssh.connect import close, connect
from toolkit.ssh.python import install
from toolkit.ssh.target import Target

# Login scripts may print a little; more than this is no shell.
NOISE_LINES = 200
LINE_BYTES = 1 << 16
SUDO_SECONDS = 60.0
READY = "DOCKYARD-READY"

_PROMPT = re.compile(r"\[dockyard [0-9a-f]{16}\]")
_PYTHONS = "python3 python3.14 python3.13 python3.12 python3.11"


class NoPythonError(UnsupportedError):
    """The host has no python3 at all."""


def start(target: Target) -> SshChannel:
    """Connect, start the agent and hand on its stream; install python3 before, if that may be.

    ``UnavailableError``: no connection, or the host cannot keep the agent's code.
    ``UnsupportedError``: there is no python3, or none of 3.11 or newer.
    """
    try:
        return _started(target)
    except NoPythonError:
        if not target.install_python:
            raise
    install(target, _opened)
    return _started(target)


def _opened(target: Target, connection: fabric.Connection, words: list[str]) -> SshChannel:
    """Run words on the host as the user that the agent is to be."""
    prompt = ""
    if target.become and target.become != connection.user:
        prompt = _prompt(target)
        if prompt:
            words = ["sh", "-c", f'echo {READY}; exec "$@"', "sh", *words]
        words = _by_sudo(target, words, prompt)
    channel = SshChannel(connection, "exec " + shlex.join(words))
    if prompt:
        _unlock(target, channel, prompt)
    return channel


def _started(target: Target) -> SshChannel:
    made = bundle(Path(target.cache_dir).expanduser())
    source = Path(loader.__file__).read_bytes()
    connection = connect(target)
    with contextlib.ExitStack() as undo:
        undo.callback(close, connection)
        if target.become == connection.user:
            target = replace(target, become="")
        try:
            prompt = _prompt(target)
            channel = SshChannel(connection, command(target, len(source), made.digest, prompt))
            if prompt:
                _unlock(target, channel, prompt)
            _talk(target, channel, source, made)
        except (OSError, EOFError) as error:
            why = f"host '{target.host}': the agent did not start: {error}"
            raise UnavailableError(why) from error
        undo.pop_all()
    return channel


def _prompt(target: Target) -> str:
    """What sudo is to ask with, which nobody can guess; empty where it must not ask."""
    asks = bool(target.become and target.become_password)
    return f"[dockyard {os.urandom(8).hex()}]" if asks else ""


def _by_sudo(target: Target, words: list[str], prompt: str) -> list[str]:
    asks = ["-S", "-p", prompt] if prompt else ["-n"]
    return ["sudo", *asks, "-H", "-u", target.become, "--", *words]


def _unlock(target: Target, channel: SshChannel, prompt: str) -> None:
    """Tell sudo the password when it asks: unasked, it would be taken for what the agent reads."""
    for asked in (1, 2):
        said = channel.wait_for(
            prompt.encode(), READY.encode(), prompts=asked, seconds=SUDO_SECONDS
        )
        if said == "ready":
            return
        if not said:
            raise _silence(target, channel)
        if asked == 1:
            channel.write(target.become_password.encode() + b"\n")
    raise UnavailableError(
        f"host '{target.host}': cannot become '{target.become}': sudo refuses the password",
        hint="sudo asks for the password of the user that logs in",
    )


def command(target: Target, size: int, digest: str, prompt: str = "") -> str:
    """The one command line: only ``sh`` and its quoting are asked of the login shell.

    ``prompt`` is what sudo asks with, empty where it must not ask.
    """
    none = shlex.quote(loader.MARK + json.dumps({"missing": "it has no python3"}))
    script = (
        f"for p in {_PYTHONS}; do command -v $p >/dev/null 2>&1 && "
        f'exec $p -I -S -c {shlex.quote(finder.BOOT)} "$0" "$@"; done; '
        f"echo {none}; exit 127"
    )
    # Shells disagree on line feeds and backslashes within quotes; base64 has neither.
    packed = base64.b64encode(Path(finder.__file__).read_bytes()).decode()
    text = f'import binascii; exec(binascii.a2b_base64("{packed}"))'
    words = ["sh", "-c", script, text, str(size), digest, target.agent_dir]
    if target.become:
        ready = f"echo {READY}; " if prompt else ""
        script = f"DOCKYARD_LOGIN=ssh; export DOCKYARD_LOGIN; {ready}{script}"
        words = _by_sudo(target, ["sh", "-c", script, *words[3:]], prompt)
    return "exec " + shlex.join(words)


def _talk(target: Target, channel: SshChannel, source: bytes, made: Bundle) -> None:
    """The loader's dialogue: does it have the bundle; if not, here it is."""
    # A host without python3 hangs up at once; what it said before tells more than the broken pipe.
    with contextlib.suppress(OSError, EOFError):
        channel.write(source)
    hello = _hear(target, channel)
    if not hello["have"]:
        channel.write(b"%d\n" % len(made.content) + made.content)
        _hear(target, channel)


def _hear(target: Target, channel: SshChannel) -> dict[str, Any]:
    """The loader's next line; its refusals become errors that name the host."""
    mark = loader.MARK.encode()
    for _ in range(NOISE_LINES):
        line = channel.read_line(LINE_BYTES)
        if mark in line:
            return _judged(target, json.loads(line[line.index(mark) + len(mark) :]))
        if not line:
            break
    raise _silence(target, channel)


def _judged(target: Target, said: dict[str, Any]) -> dict[str, Any]:
    hint = str(said.get("hint", ""))
    if "missing" in said:
        hint = "install it there: apt-get install python3"
        raise NoPythonError(f"host '{target.host}': {said['missing']}", hint=hint)
    if "unsupported" in said:
        raise UnsupportedError(f"host '{target.host}': {said['unsupported']}", hint=hint)
    if "error" in said:
        raise UnavailableError(f"host '{target.host}': {said['error']}", hint=hint)
    return said


def _silence(target: Target, channel: SshChannel) -> UnavailableError:
    errors = _PROMPT.sub("", channel.last_errors()).strip()
    if target.become and "sudo" in errors:
        return UnavailableError(
            f"host '{target.host}': cannot become '{target.become}': {errors}",
            hint="give sudo's password with -K, or let the user run it without one (NOPASSWD)",
        )
    why = errors or f"status {channel.exit_status()}"
    return UnavailableError(f"host '{target.host}': the agent did not start: {why}")
