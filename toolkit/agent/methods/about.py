"""What this agent is."""

import os
import sys
from typing import Any

from toolkit.agent.call import Call


def ping(call: Call) -> dict[str, Any]:
    """``{pid, uid, python, kernel, hostname, echo}``; ``echo`` is the parameter of that name."""
    name = os.uname()
    return {
        "pid": os.getpid(),
        "uid": os.getuid(),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "kernel": name.release,
        "hostname": name.nodename,
        "echo": call.params.get("echo"),
    }
