"""``engine serve``: Docker's API on a socket."""

import sys

from toolkit.cli.verb import Call, Flag, Verb


def _serve(call: Call) -> int:
    if sys.flags.no_site:
        import site  # noqa: PLC0415 - aiohttp lies where only site looks

        site.main()
    from toolkit.cli.containers.hosting import run  # noqa: PLC0415 - as above

    return run(call)


SERVE = Verb(
    name="engine serve",
    usage="[FLAGS]",
    summary="Serve Docker's API, so that docker and its SDKs drive this engine.",
    flags=(
        Flag(names=("--socket",), metavar="PATH", help="Where to listen (ROOT/engine.sock)"),
        Flag(
            names=("--tcp",),
            metavar="HOST:PORT",
            help="Listen there as well, for clients with certificates",
        ),
        Flag(names=("--tls-cert",), metavar="FILE", help="The server's certificate"),
        Flag(names=("--tls-key",), metavar="FILE", help="Its key"),
        Flag(names=("--tls-ca",), metavar="FILE", help="Who signs the certificates of clients"),
    ),
    act=_serve,
    least=0,
    most=0,
)
