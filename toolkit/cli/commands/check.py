"""``dockyard check``: prove that containers are isolated, on this machine or on many."""

import click

from toolkit.cli.checking import check_hosts, list_checks
from toolkit.conformance.session import Options


@click.command()
@click.option("-i", "--inventory", multiple=True, metavar="FILE", help="Hosts to check.")
@click.option("-l", "--limit", default="", metavar="PATTERN", help="Only these hosts.")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    default=("embedded",),
    show_default=True,
    metavar="R",
    help="embedded, oci:/path/to/runtime, podman, docker or nerdctl; repeat for several.",
)
@click.option(
    "--area", "areas", multiple=True, metavar="A", help="Letter, name or prefix of ids: A, CAP."
)
@click.option("-k", "expression", default="", metavar="EXPR", help="Only ids and names that match.")
@click.option("--tier", type=int, help="0: one container's facts; 1: throw-away containers too.")
@click.option("--junit", default="", metavar="FILE", help="Write JUnit XML.")
@click.option("--json", "json_", default="", metavar="FILE", help="Write a line a result; - here.")
@click.option("-f", "--forks", default=5, show_default=True, help="Hosts at once.")
@click.option("--list", "listing", is_flag=True, help="Show the checks and end.")
def command(  # noqa: PLR0913 - click passes each option by name
    *,
    inventory: tuple[str, ...],
    limit: str,
    runtimes: tuple[str, ...],
    areas: tuple[str, ...],
    expression: str,
    tier: int | None,
    junit: str,
    json_: str,
    forks: int,
    listing: bool,
) -> None:
    """Run real containers and prove that they are isolated.

    Ends with 0 if every check holds, 1 if one failed, 4 if a host could not be reached.
    """
    options = Options(
        runtimes=runtimes,
        areas=areas,
        tier=tier,
        expression=expression,
        junit=junit,
        json=json_,
        forks=forks,
    )
    if listing:
        list_checks(options)
        return
    raise SystemExit(check_hosts(options, inventory, limit))
