"""``dockyard doc``: the modules of playbooks and their arguments."""

import click

from toolkit.playbook import manual


@click.command("doc")
@click.argument("module", required=False)
@click.option("--markdown", is_flag=True, help="All modules as one page of Markdown.")
def command(module: str | None, *, markdown: bool) -> None:
    """Show what a MODULE does and takes; without one, list all."""
    if markdown and module:
        raise click.UsageError("--markdown is the page of all modules")
    if markdown:
        click.echo(manual.markdown(), nl=False)
    elif module:
        _show(manual.page(module))
    else:
        _list()


def _list() -> None:
    pages = [manual.page(name) for name in manual.names()]
    width = max(len(page.name) for page in pages)
    for page in pages:
        click.echo(f"{page.name:<{width}}  {page.summary}")


def _show(page: manual.Page) -> None:
    click.echo(f"{page.name} ({page.nature})\n\n{page.text}\n")
    for each in page.arguments:
        names = ", ".join((each.name, *each.others))
        more = "needed" if each.required else f"default: {each.default}" if each.default else ""
        taken = each.kind.replace("`", "")
        click.echo(f"  {names}\n      {taken}{f'; {more}' if more else ''}")
    if page.open_keys:
        click.echo("  (any other key is a variable)")
    if page.proves:
        click.echo(f"\nproves: {', '.join(page.proves)}")
