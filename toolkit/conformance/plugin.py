"""The pytest plugin behind ``dockyard check``.

pytest loads it in every session of the environment it is installed in, so it does nothing and
imports nothing until ``--dockyard-runtime`` asks for checks of this machine:
``pytest checks --dockyard-runtime podman``.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option."""
    parser.getgroup("dockyard").addoption(
        "--dockyard-runtime",
        action="append",
        default=[],
        metavar="R",
        help="check this machine's containers under runtime R (embedded, podman, oci:/path)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Give the checks their fixtures where checks were asked for."""
    if config.getoption("dockyard_runtime"):
        from toolkit.conformance.local import local_checks  # noqa: PLC0415 - see the docstring

        config.pluginmanager.register(local_checks(config.getoption("dockyard_runtime")))
