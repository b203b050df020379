"""``vars_prompt``: variables that a person gives before a play begins."""

from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.core.secret import Secret
from toolkit.fleet.answers import Person
from toolkit.playbook.model import Prompt
from toolkit.playbook.passwords import password_hash


def prompted(prompts: Iterable[Prompt], known: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """A value a prompt; ``known`` ones are not asked for."""
    return {each.name: _value(each, person) for each in prompts if each.name not in known}


def _value(prompt: Prompt, person: Person) -> str:
    default = f" [{prompt.default}]" if prompt.default is not None and not prompt.private else ""
    text = f"{prompt.prompt.rstrip(': ')}{default}: "
    try:
        said = person.ask(text, secret=prompt.private)
    except InvalidInputError:
        if prompt.default is None:
            raise
        return _kept(prompt, prompt.default)  # as Ansible where nobody is there to answer
    if prompt.confirm and said != person.ask(f"confirm {text}", secret=prompt.private):
        raise InvalidInputError(f"'{prompt.name}': the two values are not the same")
    if not said and prompt.default is not None:
        said = prompt.default
    return _kept(prompt, said)


def _kept(prompt: Prompt, said: str) -> str:
    if prompt.encrypt:
        said = password_hash(said, prompt.encrypt, salt=prompt.salt or None)
    return Secret(said) if prompt.private else said
