"""What only the asking process can tell: its Python, its user, its clock."""

import os
import pwd
import sys
import time
from importlib.util import find_spec
from typing import Any


def python() -> dict[str, Any]:
    """The interpreter that runs this."""
    version = sys.version_info
    words = ("major", "minor", "micro", "releaselevel", "serial")
    return {
        "ansible_python_version": ".".join(str(part) for part in version[:3]),
        "ansible_python": {
            "version": dict(zip(words, version, strict=True)),
            "version_info": list(version),
            "executable": sys.executable,
            "type": sys.implementation.name,
            "has_sslcontext": find_spec("ssl") is not None,
        },
    }


def user() -> dict[str, Any]:
    """Whom it runs as; a number without a name keeps to numbers."""
    found: dict[str, Any] = {
        "ansible_user_uid": os.getuid(),
        "ansible_user_gid": os.getgid(),
        "ansible_real_user_id": os.getuid(),
        "ansible_effective_user_id": os.geteuid(),
        "ansible_real_group_id": os.getgid(),
        "ansible_effective_group_id": os.getegid(),
        "ansible_env": dict(os.environ),
    }
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return found
    return found | {
        "ansible_user_id": entry.pw_name,
        "ansible_user_dir": entry.pw_dir,
        "ansible_user_shell": entry.pw_shell,
        "ansible_user_gecos": entry.pw_gecos,
    }


def clock() -> dict[str, Any]:
    """``ansible_date_time``: the host's local time, and the same in UTC."""
    now = time.time()
    here, utc = time.localtime(now), time.gmtime(now)
    micro = f"{now % 1:.6f}"[2:]
    local = {
        name: time.strftime(form, here)
        for name, form in {
            "year": "%Y",
            "month": "%m",
            "weekday": "%A",
            "weekday_number": "%w",
            "weeknumber": "%W",
            "day": "%d",
            "hour": "%H",
            "minute": "%M",
            "second": "%S",
            "date": "%Y-%m-%d",
            "time": "%H:%M:%S",
            "tz": "%Z",
            "tz_offset": "%z",
            "iso8601_basic_short": "%Y%m%dT%H%M%S",
        }.items()
    }
    return {
        "ansible_date_time": local
        | {
            "epoch": str(int(now)),
            "epoch_int": str(int(now)),
            "iso8601": time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
            "iso8601_micro": time.strftime("%Y-%m-%dT%H:%M:%S.", utc) + micro + "Z",
            "iso8601_basic": f"{local['iso8601_basic_short']}{micro}",
            "tz_dst": time.tzname[1],
        }
    }
