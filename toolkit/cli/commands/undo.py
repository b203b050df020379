"""``dockyard undo``: take back what a run of ``apply`` changed."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from toolkit.cli.output.choose import choose
from toolkit.cli.provision import Sessions, chosen, inventory_of, journal_folder
from toolkit.fleet.fan import FORKS, Outcome
from toolkit.fleet.links import Options
from toolkit.playbook.results import from_data


@click.command("undo")
@click.argument("run", default="")
@click.option("-i", "--inventory", multiple=True, metavar="FILE", help="Hosts; none: this machine.")
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Only the hosts that it names.")
@click.option("-b", "--become", is_flag=True, help="Become root by sudo.")
@click.option("-f", "--forks", default=FORKS, type=click.IntRange(1), help="Hosts at once.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(run: str, inventory: tuple[str, ...], **flags: Any) -> None:
    """Take back what RUN changed, the last change first; without RUN, the last run."""
    hosts = inventory_of(inventory)
    output = choose(as_json=flags["as_json"])

    def event(data: Mapping[str, Any]) -> None:
        output.event(from_data(data))

    def one(host: str) -> Any:
        params = {"run": run, "host": host}
        if journal_folder() and sessions.is_local(host):
            params["journal"] = journal_folder()
        return sessions.link(host).call("undo", params, on_event=event).result

    try:
        with Sessions(hosts, Options(become="root" if flags["become"] else "")) as sessions:
            found = list(sessions.over(one, chosen(hosts, flags["limit"]), flags["forks"]))
    finally:
        output.close()
    sys.exit(max(_status(outcome) for outcome in found))


def _status(outcome: Outcome[str, Any]) -> int:
    """Say why a host could not be asked; its exit status."""
    if outcome.error is not None:
        click.echo(f"dockyard: {outcome.host}: {outcome.error.message}", err=True)
        if outcome.error.hint:
            click.echo(f"hint: {outcome.error.hint}", err=True)
        return outcome.exit_status
    return 1 if outcome.value and outcome.value["failed"] else 0
