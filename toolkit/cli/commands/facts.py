"""``dockyard facts``: what hosts are, as playbooks see it."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from toolkit.cli.provision import Sessions, chosen, inventory_of
from toolkit.fleet.fan import FORKS, worst
from toolkit.fleet.links import Options


@click.command("facts")
@click.option("-i", "--inventory", multiple=True, metavar="FILE", help="Hosts; none: this machine.")
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Only the hosts that it names.")
@click.option("-f", "--forks", default=FORKS, type=click.IntRange(1), help="Hosts at once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a host and line.")
def command(inventory: tuple[str, ...], limit: str, forks: int, *, as_json: bool) -> None:
    """Show what hosts are, as playbooks see it."""
    hosts = inventory_of(inventory)

    def one(host: str) -> Any:
        return sessions.link(host).call("facts", {}).result

    with Sessions(hosts, Options()) as sessions:
        found = list(sessions.over(one, chosen(hosts, limit), forks))
    for outcome in sorted(found, key=lambda outcome: outcome.host):
        if outcome.error is not None:
            click.echo(f"dockyard: {outcome.error.message}", err=True)
        elif as_json:
            click.echo(json.dumps({"host": outcome.host, "facts": outcome.value}))
        else:
            _show(outcome.host, outcome.value or {})
    sys.exit(worst(found))


def _show(host: str, facts: Mapping[str, Any]) -> None:
    """One fact a line, those with parts as JSON."""
    click.echo(f"{host}:")
    for name, value in sorted(facts.items()):
        click.echo(f"  {name}: {value if isinstance(value, str) else json.dumps(value)}")
