"""The keywords of plays, roles, blocks and tasks: who takes which, and how each is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyword:
    """``where`` holds a letter a kind (``p r b t h``: play, role, block, task, handler).

    ``read`` names the method of ``Reader`` that reads the value; ``handed_down`` keywords hold for
    everything below, unless that says otherwise.
    """

    where: str
    read: str
    handed_down: bool = False


_FLAG = Keyword("prbth", "flag", handed_down=True)
_TASK = "th"
KEYWORDS: dict[str, Keyword] = {
    "any_errors_fatal": _FLAG,
    "args": Keyword(_TASK, "anything"),
    "async": Keyword(_TASK, "integer"),
    "become": _FLAG,
    "become_method": Keyword("prbth", "sudo", handed_down=True),
    "become_user": Keyword("prbth", "text", handed_down=True),
    "changed_when": Keyword(_TASK, "verdict"),
    "check_mode": _FLAG,
    "collections": Keyword("prbth", "words"),
    "connection": Keyword("p", "text"),
    "delay": Keyword(_TASK, "number"),
    "delegate_facts": Keyword("rbth", "flag", handed_down=True),
    "delegate_to": Keyword("rbth", "text", handed_down=True),
    "diff": _FLAG,
    "environment": Keyword("prbth", "environment", handed_down=True),
    "failed_when": Keyword(_TASK, "verdict"),
    "force_handlers": Keyword("p", "flag"),
    "gather_facts": Keyword("p", "flag"),
    "ignore_errors": _FLAG,
    "ignore_unreachable": _FLAG,
    "listen": Keyword("h", "names"),
    "loop_control": Keyword(_TASK, "loop_control"),
    "max_fail_percentage": Keyword("p", "number"),
    "name": Keyword("prbth", "text"),
    "no_log": _FLAG,
    "notify": Keyword("bth", "names", handed_down=True),
    "order": Keyword("p", "text"),
    "poll": Keyword(_TASK, "integer"),
    "port": Keyword("p", "integer"),
    "register": Keyword(_TASK, "variable_name"),
    "remote_user": Keyword("p", "text"),
    "retries": Keyword(_TASK, "integer"),
    "run_once": Keyword("prbth", "flag", handed_down=True),
    "serial": Keyword("p", "serial"),
    "strategy": Keyword("p", "text"),
    "tags": Keyword("prbth", "words"),
    "timeout": Keyword("prbth", "integer", handed_down=True),
    "until": Keyword(_TASK, "conditions"),
    "vars": Keyword("prbth", "variables"),
    "when": Keyword("rbth", "conditions"),
}
# What the loader reads itself.
_STRUCTURE = {
    "p": "handlers hosts post_tasks pre_tasks roles tasks vars_files vars_prompt module_defaults",
    "r": "role module_defaults",
    "b": "always block rescue module_defaults",
    "t": "action local_action loop module_defaults",
    "h": "action local_action loop module_defaults",
}
KINDS = {"p": "play", "r": "role", "b": "block", "t": "task", "h": "handler"}
REFUSED = {
    "become_exe": "sudo is found in PATH",
    "become_flags": "sudo is called with -H -S and the user",
    "debugger": "use --step, or register a result and debug it",
    "fact_path": "facts of /etc/ansible/facts.d are not read",
    "gather_subset": "facts are gathered as a whole, where a play names one",
    "gather_timeout": "facts are read from the kernel, which answers at once",
    "throttle": "use 'serial', or -f",
    "validate_argspec": "",
}
STRATEGIES = ("free", "linear", "host_pinned")


def known(kind: str) -> frozenset[str]:
    """Every keyword of a kind, given by its letter."""
    words = {name for name, keyword in KEYWORDS.items() if kind in keyword.where}
    return frozenset(words | set(_STRUCTURE[kind].split()))


PLAY, ROLE, BLOCK, TASK, HANDLER = (known(letter) for letter in "prbth")


def is_old_loop(name: str) -> bool:
    """Whether a key is one of Ansible's older loops, as in ``with_items``."""
    return name.startswith("with_")
