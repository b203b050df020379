"""``dockyard oci``: the command line of ``dockyard-oci``."""

from typing import Any

import click

from toolkit.cli.oci.entry import begin


class OciCommand(click.Command):
    """Hands its line over as it is, ``--help`` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the line."""
        ctx.obj = list(args)
        return []

    def invoke(self, ctx: click.Context) -> Any:
        """Become ``dockyard-oci``."""
        begin(ctx.obj)


command = OciCommand("oci", help="Be an OCI runtime: what podman and containerd call.")
