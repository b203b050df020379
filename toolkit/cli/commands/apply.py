"""``dockyard apply``: bring hosts to the state that a playbook declares."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from toolkit.cli.output.choose import choose
from toolkit.cli.provision import (
    Provision,
    Sessions,
    Wish,
    exit_status,
    inventory_of,
    journal_folder,
    needs_root,
)
from toolkit.core.errors import InvalidInputError
from toolkit.fleet.links import Options
from toolkit.inventory.model import Inventory
from toolkit.playbook.compiler import Selection
from toolkit.playbook.journal import new_run_id
from toolkit.playbook.model import Playbook
from toolkit.playbook.results import Recap

UNREACHABLE = 4
# -P: the current folder must not decide which code a root process runs.
REHEARSE = (sys.executable, "-P", "-m", "toolkit.cli.entry", "rehearse", "--")


@click.command("apply")
@click.argument("playbook", type=click.Path())
@click.option("-i", "--inventory", multiple=True, metavar="FILE", help="Hosts; none: this machine.")
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Only the hosts that it names.")
@click.option("-C", "--check", is_flag=True, help="Change nothing; show what would change.")
@click.option("-D", "--diff", is_flag=True, help="Show the difference of each change.")
@click.option("--rehearse", is_flag=True, help="Run for real in a throw-away copy of the machine.")
@click.option("--verify", is_flag=True, help="Then run the checks that prove what was applied.")
@click.option("-t", "--tags", multiple=True, metavar="TAGS", help="Only tasks with these tags.")
@click.option("--skip-tags", multiple=True, metavar="TAGS", help="No task with these tags.")
@click.option("-e", "--extra-vars", multiple=True, metavar="K=V|@FILE", help="More variables.")
@click.option("-f", "--forks", default=5, type=click.IntRange(1), help="Hosts at once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(playbook: str, inventory: tuple[str, ...], **flags: Any) -> None:
    """Bring hosts to the state that PLAYBOOK declares."""
    _refuse_contradictions(flags, inventory)
    hosts = inventory_of(inventory)
    flags["reload"] = lambda: inventory_of(inventory)
    loaded = _load(playbook) if inventory else None
    options = Options(
        become="root" if loaded and needs_root(loaded) else "",
        local_prefix=REHEARSE if flags["rehearse"] else (),
    )
    with Sessions(hosts, options) as sessions:
        if loaded is None:
            sessions.prepare_local()
            loaded = _load(playbook)
        sys.exit(_apply(loaded, hosts, sessions, flags))


def _apply(playbook: Playbook, hosts: Inventory, sessions: Sessions, flags: dict[str, Any]) -> int:
    wish = _wish(flags)
    output = choose(as_json=flags["as_json"])
    try:
        recaps = Provision(hosts, sessions, output, wish).run(playbook)
        status = exit_status(recaps.values())
        if flags["rehearse"] and status != UNREACHABLE:
            output.note("a rehearsal: all this happened in a copy of the machine, which is dropped")
        if flags["verify"] and status == 0:
            status = _verify(recaps, sessions, as_json=flags["as_json"])
    finally:
        output.close()
    return status


def _load(path: str) -> Playbook:
    from toolkit.playbook.loader import load  # noqa: PLC0415 - 80 ms, while the agent starts

    return load(path)


def _verify(recaps: Mapping[str, Recap], sessions: Sessions, *, as_json: bool) -> int:
    from toolkit.cli.verify import verify  # noqa: PLC0415 - pytest costs 150 ms

    return verify(recaps, sessions, as_json=as_json)


def _refuse_contradictions(flags: dict[str, Any], inventory: tuple[str, ...]) -> None:
    if flags["rehearse"] and inventory:
        raise InvalidInputError(
            "--rehearse copies this machine, so it takes no inventory", hint="leave -i out"
        )
    if flags["check"] and flags["verify"]:
        raise InvalidInputError(
            "--check changes nothing that --verify could prove",
            hint="--rehearse --verify does both",
        )


def _wish(flags: dict[str, Any]) -> Wish:
    from toolkit.cli.extravars import extra_variables  # noqa: PLC0415 - as the loader

    return Wish(
        mode={"check": flags["check"], "diff": flags["diff"], "run": new_run_id()},
        selection=Selection(only=_words(flags["tags"]), skip=_words(flags["skip_tags"])),
        extra=extra_variables(flags["extra_vars"]),
        limit=flags["limit"],
        forks=flags["forks"],
        journal=journal_folder(),
        reload=flags["reload"],
    )


def _words(given: tuple[str, ...]) -> frozenset[str]:
    """Tags, given once or more often, with commas between them."""
    return frozenset(word.strip() for text in given for word in text.split(",") if word.strip())
