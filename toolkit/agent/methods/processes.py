"""Programs on the host."""

from typing import Any

from toolkit.agent import children
from toolkit.agent.call import Answer, Call
from toolkit.core.errors import InvalidInputError


def run(call: Call) -> Answer | dict[str, Any]:
    """``{argv, stdin, env, cwd, timeout, binary}`` → ``{status, stdout, stderr}``.

    ``stdin`` is text; the request's body, where there is one, takes its place. With ``binary`` the
    answer's body is stdout followed by stderr, and ``stdout_size`` says where to cut. ``env`` is
    the whole environment. ``status`` is minus the signal's number where a signal ended it.
    """
    timeout = call.params.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise InvalidInputError(f"{call.method}: 'timeout': expected seconds, not {timeout!r}")
    done = children.run(
        call.argv(),
        stdin=call.body or call.get("stdin", str, "").encode(),
        env=call.params.get("env"),
        cwd=call.params.get("cwd"),
        timeout=timeout,
    )
    if call.get("binary", bool, False):
        return Answer(
            result={"status": done.status, "stdout_size": len(done.stdout)},
            body=done.stdout + done.stderr,
        )
    return {
        "status": done.status,
        "stdout": done.stdout.decode(errors="replace"),
        "stderr": done.stderr.decode(errors="replace"),
    }
