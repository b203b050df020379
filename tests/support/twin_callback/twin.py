"""Writes, for a twin test, how each task of an ``ansible-playbook`` run ended: one JSON a line."""

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped] # it has none

DOCUMENTATION = """
name: twin
type: aggregate
short_description: one JSON object a task
description: Writes host, task, status and whether a failure was ignored to the file TWIN_LOG.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # the library ships no types
    """Called by ansible-core as tasks end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "twin"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task that ended well."""
        self._write(result, "changed" if self._values(result).get("changed") else "ok")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task that failed."""
        self._write(result, "failed", ignored=bool(ignore_errors))

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task that was left out."""
        self._write(result, "skipped")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """A host that was lost."""
        self._write(result, "unreachable")

    @staticmethod
    def _values(result: Any) -> Any:
        found = getattr(result, "result", None)
        return found if found is not None else result._result

    def _write(self, result: Any, status: str, *, ignored: bool = False) -> None:
        host = getattr(result, "host", None) or result._host
        task = getattr(result, "task", None) or result._task
        line = {
            "host": host.get_name(),
            "task": task.get_name(),
            "module": task.action.rpartition(".")[2],
            "status": status,
            "ignored": ignored,
            "message": str(self._values(result).get("msg", "")),
        }
        with open(os.environ["TWIN_LOG"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
