"""``apply --verify``: after the play, the checks that prove it, over the links that are open."""

from collections.abc import Iterable, Mapping
from functools import partial

from toolkit.cli.checking import console
from toolkit.cli.provision import Sessions
from toolkit.conformance.check import Check
from toolkit.conformance.session import Options, run_checks, selected
from toolkit.core.errors import InvalidInputError
from toolkit.playbook.results import Recap, Status


def proving(checks: Iterable[Check], proves: Iterable[str]) -> tuple[str, ...]:
    """The ids of all checks of tier 0, and of those that the tasks name.

    A task that names a check which does not exist is refused: its proof would silently be missing.
    """
    known = {check.id: check for check in checks}
    missing = sorted(set(proves) - set(known))
    if missing:
        raise InvalidInputError(f"a task names a check that does not exist: {', '.join(missing)}")
    basic = (check.id for check in known.values() if check.tier == 0)
    return tuple(dict.fromkeys((*basic, *proves)))


def verify(recaps: Mapping[str, Recap], sessions: Sessions, *, as_json: bool) -> int:
    """Check every host that the play reached; the exit status is that of ``dockyard check``."""
    hosts = [host for host, recap in recaps.items() if recap.status is not Status.UNREACHABLE]
    proves = [check for recap in recaps.values() for check in recap.proves]
    ids = proving(selected(Options()), proves)
    options = Options(ids=ids, json="-" if as_json else "")
    links = {host: partial(sessions.link, host) for host in hosts}
    return run_checks(options, links, console=console())
