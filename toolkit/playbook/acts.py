"""What the runner's own modules do; their arguments stand in ``actions``."""

import fnmatch
import hashlib
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError, UnsupportedError
from toolkit.playbook import actions, background
from toolkit.playbook.ended import (
    Ended,
    EndPlay,
    EndRole,
    FailedError,
    UnforeseenError,
    failed,
)
from toolkit.playbook.results import Status
from toolkit.tasks import identity, registry

if TYPE_CHECKING:
    from toolkit.playbook.applying import Applying
    from toolkit.playbook.runner import Runner

TaskData = Mapping[str, Any]
Values = dict[str, Any]
Act = Callable[["Acting", Any, Values], Values]


class Acting:
    """What an action may use: the run, its variables, the host, the task itself."""

    def __init__(self, runner: "Runner", applying: "Applying", task: TaskData) -> None:
        self.runner = runner
        self.applying = applying
        self.scope = runner.scope
        self.task = task
        self.ask = runner.seams.ask


def act(runner: "Runner", applying: "Applying", task: TaskData) -> Ended:
    """Run an action; its errors are the task's."""
    name = str(task["module"])
    acting = Acting(runner, applying, task)
    try:
        given = _unrendered(task) if name == "debug" else applying.arguments(task)
        if name == "assert":
            given["that"] = task["args"].get("that")
        made, rest = registry.made_of(actions.ACTIONS[name], given)
        values = _ACTS[name](acting, made, rest)
    except UnforeseenError:
        raise
    except (ToolkitError, OSError) as error:
        return failed(error)
    registered = {"changed": False, "failed": False, **values}
    message = str(registered.pop("_shown", ""))
    return Ended(status=Status.OK, registered=registered, message=message).with_status()


def _unrendered(task: TaskData) -> Values:
    return dict(task["args"])


def _debug(acting: Acting, made: actions.Debug, _: Values) -> Values:
    from toolkit.playbook.templating import UndefinedNameError  # noqa: PLC0415 - 40 ms

    if int(acting.scope.render(made.verbosity)) > acting.runner.mode.verbosity:
        return {"skipped": True, "skipped_reason": "Verbosity threshold not met."}
    if made.var is None:
        message = acting.scope.render(made.msg)
        return {"msg": message, "_shown": shown(message)}
    name = acting.scope.render(made.var)
    try:
        value = acting.scope.engine.condition(name) if isinstance(name, str) else name
        value = acting.scope.render(value) if isinstance(value, str) else value
    except UndefinedNameError:
        value = "VARIABLE IS NOT DEFINED!"
    return {str(name): value, "_shown": f"{name} = {shown(value)}"}


def shown(value: Any) -> str:
    """A value as a person reads it: text as it is, the rest as JSON."""
    if isinstance(value, str):
        return value
    import json  # noqa: PLC0415 - not every play shows values

    return json.dumps(value, default=repr, indent=2 if isinstance(value, dict | list) else None)


def _set_fact(acting: Acting, made: actions.SetFact, rest: Values) -> Values:
    if not rest:
        raise InvalidInputError("no variable was given")
    for name in rest:
        if not name.isidentifier() or name.lower() in _WORDS:
            raise InvalidInputError(f"'{name}' is no name of a variable")
    facts = dict(rest)
    elsewhere = "delegate_to" in acting.task and acting.runner.tasks.flag(
        acting.task, "delegate_facts", default=False
    )
    if not elsewhere:
        for name, value in facts.items():
            acting.scope.learn(name, value)
    if not made.cacheable:
        return {"ansible_facts": facts}
    return {"ansible_facts": facts, "_ansible_facts_cacheable": True}


_WORDS = ("false", "none", "true")  # Jinja2's own


def _fail(acting: Acting, made: actions.Fail, _: Values) -> Values:
    del acting
    raise FailedError(made.msg, {"msg": made.msg})


def _assert(acting: Acting, made: actions.Assert, _: Values) -> Values:
    conditions = made.that if isinstance(made.that, list | tuple) else [made.that]
    for condition in conditions:
        if acting.scope.holds((condition,)) is not None:
            message = shown(made.fail_msg) if made.fail_msg is not None else "Assertion failed"
            values = {"assertion": condition, "evaluated_to": False, "msg": message}
            raise FailedError(f"{message}: {condition}", values)
    message = shown(made.success_msg) if made.success_msg is not None else "All assertions passed"
    return {"msg": message, "_shown": "" if made.quiet else message}


def _include_vars(acting: Acting, made: actions.IncludeVars, _: Values) -> Values:
    values: Mapping[str, Any] = acting.task.get("values", {})
    if made.dir is not None:
        names = [name for name in sorted(values) if _wanted(made, name)]
    else:
        names = [str(made.file)]
    found: Values = {}
    for name in names:
        found.update(values[name] if name in values else _asked(acting, name))
    if made.name:
        found = {made.name: found}
    acting.scope.learn_included(found)
    return {"ansible_included_var_files": names, "_included": len(found)}


def _wanted(made: actions.IncludeVars, name: str) -> bool:
    if made.depth and name.count("/") >= made.depth:
        return False
    base = name.rpartition("/")[2]
    if made.files_matching and not re.search(made.files_matching, base):
        return False
    ignored = made.ignore_files or ()
    patterns = [ignored] if isinstance(ignored, str) else ignored
    return not any(re.search(pattern + r"$", base) for pattern in patterns)


def _asked(acting: Acting, name: str) -> Values:
    """A file whose name nobody could foresee."""
    role = acting.scope.find("role_path")
    where = role if isinstance(role, str) else ""
    found: Values = acting.ask({"do": "vars", "name": name, "role": where})
    return found


def _meta(acting: Acting, made: actions.Meta, _: Values) -> Values:
    word = made.action
    if word == "flush_handlers":
        if not acting.runner.flush(int(acting.task["index"])):
            raise FailedError("a handler failed", {"msg": "a handler failed"})
    elif word in ("end_host", "end_batch"):
        raise EndPlay
    elif word == "end_play":
        raise EndPlay(everywhere=True)
    elif word == "end_role":
        acting.runner.end_role(acting.task)
        raise EndRole
    elif word == "clear_facts":
        acting.scope.forget_facts()
    elif word in _META:
        _META[word](acting)
    elif word not in actions.META:
        raise NotFoundError(f"meta: unknown action '{word}'")
    return {}


def _refresh_inventory(acting: Acting) -> None:
    _regroup(acting, acting.ask({"do": "refresh_inventory", "task": acting.task["index"]}))


def _clear_host_errors(acting: Acting) -> None:
    acting.ask({"do": "clear_host_errors"})


def _reset_connection(acting: Acting) -> None:
    """As root, a task's user and groups are looked up for each task: nothing would be new."""
    del acting
    missing = identity.groups_since_login()
    if missing:
        raise UnsupportedError(
            f"reset_connection: the groups {', '.join(missing)} need a new login",
            hint="with 'become: true' in the play, each task has the groups that it should",
        )


_META: dict[str, Callable[[Acting], None]] = {
    "clear_host_errors": _clear_host_errors,
    "refresh_inventory": _refresh_inventory,
    "reset_connection": _reset_connection,
}


def _pause(acting: Acting, made: actions.Pause, _: Values) -> Values:
    seconds = made.seconds if made.seconds is not None else (made.minutes or 0) * 60
    began = time.time()
    typed = ""
    if made.seconds is None and made.minutes is None:
        prompt = made.prompt or "Press enter to continue, Ctrl+C to interrupt"
        typed = str(acting.ask({"do": "prompt", "prompt": prompt, "echo": made.echo}))
    elif not acting.runner.mode.check:
        time.sleep(max(0.0, seconds))
    return {
        "delta": int(time.time() - began),
        "user_input": typed,
        "echo": made.echo,
        "rc": 0,
        "stderr": "",
        "stdout": f"Paused for {float(seconds)} seconds",
    }


def _setup(acting: Acting, made: Any, _: Values) -> Values:
    host = acting.applying.host(check=False)
    facts = dict(acting.runner.seams.facts(host))
    patterns = [
        p if p.startswith(("ansible_", "dockyard_", "*")) else f"ansible_{p}" for p in made.filter
    ]
    if patterns:
        facts = {
            name: value
            for name, value in facts.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
    return {"ansible_facts": facts}


def _add_host(acting: Acting, made: actions.AddHost, rest: Values) -> Values:
    known = {"host": made.name, "groups": list(made.groups), "variables": rest}
    _regroup(acting, acting.ask({"do": "add_host", **known}))
    about = {"host_name": made.name, "groups": list(made.groups), "host_vars": rest}
    return {"changed": True, "add_host": about}


def _group_by(acting: Acting, made: actions.GroupBy, _: Values) -> Values:
    name = made.key.replace(" ", "-")
    parents = [parent.replace(" ", "-") for parent in made.parents]
    _regroup(acting, acting.ask({"do": "group_by", "group": name, "parents": parents}))
    return {"changed": True, "add_group": name, "parent_groups": parents}


def _regroup(acting: Acting, said: Mapping[str, Any]) -> None:
    """The inventory has changed: later tasks see it."""
    groups = said["groups"]
    magic = acting.scope.magic
    magic["groups"] = groups
    own = acting.runner.recap.host
    magic["group_names"] = sorted(
        name for name, hosts in groups.items() if own in hosts and name not in ("all", "ungrouped")
    )


def _fetch(acting: Acting, made: actions.Fetch, _: Values) -> Values:
    host = acting.applying.host(check=acting.applying.checks(acting.task))
    found = host.files.stat(made.src)
    if found is None or found.kind != "file":
        if made.fail_on_missing:
            raise NotFoundError(f"there is no file '{made.src}' on this host")
        return {
            "msg": "the remote file does not exist, not transferring, ignored",
            "file": made.src,
        }
    with acting.applying.acting(acting.task):
        data = host.files.read(made.src)
    said = acting.ask(
        {
            "do": "fetch",
            "src": made.src,
            "dest": made.dest,
            "flat": made.flat,
            "check": acting.runner.mode.check,
            "checksum": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        },
        body=data,
    )
    return dict(said)


def _ping(acting: Acting, made: actions.Ping, _: Values) -> Values:
    del acting
    if made.data == "crash":
        raise FailedError("boom", {"msg": "boom"})
    return {"ping": made.data}


def _wait_for_connection(acting: Acting, made: actions.WaitForConnection, _: Values) -> Values:
    if made.delay and not acting.runner.mode.check:
        time.sleep(made.delay)
    return {"elapsed": made.delay}


def _async_status(acting: Acting, made: actions.AsyncStatus, _: Values) -> Values:
    if made.mode == "cleanup":
        background.clean(made.jid)
        return {"ansible_job_id": made.jid, "erased": background.path_of(made.jid)}
    with acting.applying.acting(acting.task):
        found = background.status(made.jid)
    if found.get("failed"):
        raise FailedError(str(found.get("msg", "the job failed")), found)
    return found


def _static(acting: Acting, made: Any, _: Values) -> Values:
    """An import is resolved before a play is sent, an include where it stands."""
    raise InvalidInputError(f"'{acting.task['module']}' cannot be run like a module: {made!r}")


_ACTS: dict[str, Act] = {
    "add_host": _add_host,
    "assert": _assert,
    "async_status": _async_status,
    "debug": _debug,
    "fail": _fail,
    "fetch": _fetch,
    "gather_facts": _setup,
    "group_by": _group_by,
    "import_role": _static,
    "import_tasks": _static,
    "include_role": _static,
    "include_tasks": _static,
    "include_vars": _include_vars,
    "meta": _meta,
    "pause": _pause,
    "ping": _ping,
    "set_fact": _set_fact,
    "setup": _setup,
    "wait_for_connection": _wait_for_connection,
}
