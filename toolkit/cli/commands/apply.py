"""``dockyard apply``: bring hosts to the state that a playbook declares."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from toolkit.cli.applying.limits import forget, remember
from toolkit.cli.applying.listing import FLAGS, lines
from toolkit.cli.applying.options import options
from toolkit.cli.applying.selecting import check_tags, starting_at, words
from toolkit.cli.output.choose import choose
from toolkit.cli.passwords import become_password, login_password
from toolkit.cli.provision import (
    Provision,
    Sessions,
    Wish,
    exit_status,
    inventory_of,
    journal_folder,
    needs_root,
)
from toolkit.cli.vaulting import options as vault_options
from toolkit.cli.vaulting import vault_of
from toolkit.core.errors import InvalidInputError
from toolkit.fleet.links import Options
from toolkit.inventory.model import Inventory
from toolkit.playbook.compiler import Selection
from toolkit.playbook.journal import new_run_id
from toolkit.playbook.model import Playbook
from toolkit.playbook.results import Recap, Status

UNREACHABLE = 4
# -P: the current folder must not decide which code a root process runs.
REHEARSE = (sys.executable, "-P", "-m", "toolkit.cli.entry", "rehearse", "--")


@click.command("apply")
@click.argument("playbook", type=click.Path())
@options
@vault_options
def command(playbook: str, inventory: tuple[str, ...], **flags: Any) -> None:
    """Bring hosts to the state that PLAYBOOK declares."""
    _refuse_contradictions(flags, inventory)
    decrypt = flags["decrypt"] = vault_of(flags)
    flags["reload"] = lambda: inventory_of(inventory, decrypt, playbook=playbook)
    hosts = flags["reload"]()
    wanted = frozenset(name for name in FLAGS if flags[name])
    loaded = _load(playbook, flags) if inventory or wanted else None
    with Sessions(hosts, _connections(loaded, flags)) as sessions:
        if loaded is None:
            sessions.prepare_local()
            loaded = _load(playbook, flags)
        if wanted:
            _list(loaded, hosts, sessions, flags)
            return
        sys.exit(_apply(loaded, hosts, sessions, flags))


def _connections(playbook: Playbook | None, flags: Mapping[str, Any]) -> Options:
    become = flags["become"] or (playbook is not None and needs_root(playbook))
    return Options(
        become="root" if become else "",
        become_password=become_password(flags),
        user=flags["user"],
        key=flags["private_key"],
        password=login_password(flags),
        install_python=not flags["check"],
        local_prefix=REHEARSE if flags["rehearse"] else (),
    )


def _apply(playbook: Playbook, hosts: Inventory, sessions: Sessions, flags: dict[str, Any]) -> int:
    wish = _wish(flags)
    output = choose(as_json=flags["as_json"], junit=flags["junit"])
    try:
        recaps = Provision(hosts, sessions, output, wish).run(playbook)
        status = exit_status(recaps.values())
        if flags["rehearse"] and status != UNREACHABLE:
            output.note("a rehearsal: all this happened in a copy of the machine, which is dropped")
        if flags["inventory"] and not flags["check"]:
            _again(playbook, recaps, output.note)
        if flags["verify"] and status == 0:
            status = _verify(recaps, sessions, as_json=flags["as_json"])
    finally:
        output.close()
    return status


def _again(playbook: Playbook, recaps: Mapping[str, Recap], note: Any) -> None:
    """Write down the hosts that failed, for ``--limit @FILE``."""
    bad = [
        host
        for host, recap in recaps.items()
        if recap.status in (Status.FAILED, Status.UNREACHABLE) and not recap.forgiven
    ]
    if bad:
        note(remember(playbook.path, bad))
    else:
        forget(playbook.path)


def _list(playbook: Playbook, hosts: Inventory, sessions: Sessions, flags: dict[str, Any]) -> None:
    wish = _wish(flags)
    provision = Provision(hosts, sessions, choose(as_json=False), wish)
    wanted = frozenset(name for name in FLAGS if flags[name])
    provision.check(playbook)
    for line in lines(playbook, wish.selection, wanted, provision.hosts):
        click.echo(line)


def _load(path: str, flags: Mapping[str, Any]) -> Playbook:
    from toolkit.cli.extravars import extra_variables  # noqa: PLC0415 - as the loader
    from toolkit.playbook import loader  # noqa: PLC0415 - 80 ms, while the agent starts

    extra = extra_variables(flags["extra_vars"], flags["decrypt"])
    loaded = loader.load(path, loader.Options(extra=extra, decrypt=flags["decrypt"]))
    check_tags(loaded, _selection(flags))
    return starting_at(loaded, flags["start_at_task"])


def _verify(recaps: Mapping[str, Recap], sessions: Sessions, *, as_json: bool) -> int:
    from toolkit.cli.verify import verify  # noqa: PLC0415 - pytest costs 150 ms

    return verify(recaps, sessions, as_json=as_json)


def _refuse_contradictions(flags: dict[str, Any], inventory: tuple[str, ...]) -> None:
    flags["inventory"] = inventory
    if flags["rehearse"] and inventory:
        raise InvalidInputError(
            "--rehearse copies this machine, so it takes no inventory", hint="leave -i out"
        )
    if flags["check"] and flags["verify"]:
        raise InvalidInputError(
            "--check changes nothing that --verify could prove",
            hint="--rehearse --verify does both",
        )


def _selection(flags: Mapping[str, Any]) -> Selection:
    return Selection(only=words(flags["tags"]), skip=words(flags["skip_tags"]))


def _wish(flags: dict[str, Any]) -> Wish:
    from toolkit.cli.extravars import extra_variables  # noqa: PLC0415 - as the loader

    mode = {
        "check": flags["check"],
        "diff": flags["diff"],
        "run": new_run_id(),
        "verbosity": flags["verbose"],
        "start_at": flags["start_at_task"],
        "step": flags["step"],
    }
    return Wish(
        mode=mode,
        selection=_selection(flags),
        extra=extra_variables(flags["extra_vars"], flags["decrypt"]),
        limit=flags["limit"],
        forks=flags["forks"],
        journal=journal_folder(),
        reload=flags["reload"],
        decrypt=flags["decrypt"],
        wait=flags["wait"],
        become=flags["become"],
        become_user=flags["become_user"],
        force_handlers=flags["force_handlers"],
    )
