"""The passwords of vaults: where a person or the environment says that they are."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from toolkit.cli.passwords import told_by
from toolkit.cli.person import Terminal
from toolkit.core.secret import Decrypt, Secret, no_password

F = TypeVar("F", bound=Callable[..., Any])
PROMPT = "prompt"
VARIABLES = ("DOCKYARD_VAULT_PASSWORD_FILE", "ANSIBLE_VAULT_PASSWORD_FILE")


def options(function: F) -> F:
    """Give a command the flags about vaults."""
    rows = (
        ("--vault-password-file", "FILE", "A file or a program that tells a vault's password."),
        ("--vault-id", "[LABEL@]FILE|prompt", "The same, for what was encrypted for this label."),
    )
    for name, metavar, text in rows:
        function = click.option(name, multiple=True, metavar=metavar, help=text)(function)
    ask = click.option("-J", "--ask-vault-pass", is_flag=True, help="Ask for a vault's password.")
    made: F = ask(function)
    return made


def vault_of(flags: Mapping[str, Any]) -> Decrypt:
    """What opens encrypted files and texts; without a password, a refusal that says so."""
    given = [*flags.get("vault_id", ()), *flags.get("vault_password_file", ())]
    if flags.get("ask_vault_pass"):
        given.append(PROMPT)
    sources = given or list(_of_environment())
    if not sources:
        return no_password
    from toolkit.fleet.vault import Password, Vault  # noqa: PLC0415 - few runs have secrets

    found = [(label, _text(source, label)) for label, source in _split(sources)]
    return Vault([Password(label=label, text=text) for label, text in found])


def _of_environment() -> Iterable[str]:
    for name in VARIABLES:
        if os.environ.get(name):
            yield os.environ[name]
            return


def _split(sources: list[str]) -> list[tuple[str, str]]:
    """Label and source: ``dev@FILE``; a file whose name holds an ``@`` needs a label before it."""
    found = []
    for source in sources:
        label, at, rest = source.partition("@")
        found.append((label, rest) if at else ("", source))
    return found


def _text(source: str, label: str) -> Secret:
    if source == PROMPT:
        shown = f"Vault password ({label}): " if label else "Vault password: "
        return Secret(Terminal().ask(shown, secret=True))
    # As Ansible: a program called …-client is told the label.
    named = os.path.splitext(source)[0].endswith("-client")
    arguments = ("--vault-id", label) if named and label else ()
    return told_by(source, "--vault-password-file", arguments)
