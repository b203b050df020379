"""What a command tells its output, whatever that looks like."""

from collections.abc import Iterable
from typing import Protocol

from toolkit.playbook.results import Event, Recap


class Output(Protocol):
    """Takes what happens on all hosts; called from several threads at once."""

    def play(self, title: str, hosts: tuple[str, ...]) -> None:
        """A play begins on these hosts."""

    def event(self, event: Event) -> None:
        """Something happened on one host."""

    def note(self, text: str) -> None:
        """Something worth knowing that belongs to no host."""

    def recap(self, recaps: Iterable[Recap]) -> None:
        """The end of a run: one line a host."""

    def close(self) -> None:
        """Leave the terminal as it was."""
