"""The keywords of plays and tasks: those that work, and those that Ansible has and we refuse."""

PLAY = frozenset(
    {
        "become",
        "gather_facts",
        "handlers",
        "hosts",
        "name",
        "tags",
        "tasks",
        "vars",
        "vars_files",
    }
)
TASK = frozenset(
    {
        "args",
        "become",
        "changed_when",
        "check_mode",
        "failed_when",
        "ignore_errors",
        "loop",
        "name",
        "no_log",
        "notify",
        "register",
        "tags",
        "vars",
        "when",
    }
)
_BOTH_LATER = """
    any_errors_fatal become_exe become_flags become_method become_user collections connection
    debugger diff environment ignore_unreachable module_defaults port remote_user run_once throttle
    timeout
"""
_PLAY_LATER = """
    check_mode fact_path force_handlers gather_subset gather_timeout ignore_errors import_playbook
    max_fail_percentage no_log order post_tasks pre_tasks roles serial strategy validate_argspec
    vars_prompt
"""
_TASK_LATER = """
    action always async block delay delegate_facts delegate_to listen local_action loop_control poll
    rescue retries until
"""
_MODULES_LATER = """
    add_host apt apt_repository assemble assert blockinfile command cron deb822_repository debug dnf
    fail fetch find gather_facts get_url getent git group group_by hostname import_role import_tasks
    include_role include_tasks include_vars ini_file lineinfile meta mount package_facts pause ping
    pip raw reboot replace script service_facts set_fact setup shell slurp stat systemd
    systemd_service tempfile unarchive uri user wait_for wait_for_connection
"""
PLAY_LATER = frozenset((_BOTH_LATER + _PLAY_LATER).split())
TASK_LATER = frozenset((_BOTH_LATER + _TASK_LATER).split())
MODULES_LATER = frozenset(_MODULES_LATER.split())


def is_old_loop(name: str) -> bool:
    """Whether a key is one of Ansible's older loops, as in ``with_items``."""
    return name.startswith("with_")
