"""Checks over an inventory: who is checked, and on which console."""

from functools import partial

import click
from rich.console import Console

from toolkit.cli.provision import Sessions, chosen, inventory_of
from toolkit.conformance.session import Options, run_checks, selected
from toolkit.fleet.links import Options as LinkOptions


def console() -> Console:
    """Standard output; a report decides its width where it is no terminal."""
    return Console(highlight=False)


def check_hosts(options: Options, inventory: tuple[str, ...], limit: str) -> int:
    """Check the hosts that ``--limit`` leaves of the inventory; the exit status."""
    hosts = inventory_of(inventory)
    names = chosen(hosts, limit)
    with Sessions(hosts, LinkOptions()) as sessions:
        links = {name: partial(sessions.link, name) for name in names}
        return run_checks(options, links, console=console())


def list_checks(options: Options) -> None:
    """One line a check: id, area, tier, severity, title."""
    for check in selected(options):
        click.echo(
            f"{check.id:<15} {check.subject:<10} {check.tier} {check.severity:<8} {check.title}"
        )
