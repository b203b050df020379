"""``template``: a file has the content that a template gave."""

import codecs
from dataclasses import dataclass
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import paths
from toolkit.tasks.host import Host
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task

_NEWLINES = ("\n", "\r", "\r\n")


@task("template")
@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """Hold a file at what the template ``src`` gives; Ansible's ``template``.

    The runner renders, for it alone knows the variables, and hands over ``content``. The other
    arguments are those of ``copy``.
    """

    dest: str
    src: str
    content: str = ""
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    backup: bool = False
    force: bool = True
    follow: bool = False
    validate: str | None = None
    newline_sequence: str = "\n"
    output_encoding: str = "utf-8"
    trim_blocks: bool = True
    lstrip_blocks: bool = False
    # Other signs for the braces; the runner has used them when this is made.
    variable_start_string: str | None = None
    variable_end_string: str | None = None
    block_start_string: str | None = None
    block_end_string: str | None = None
    comment_start_string: str | None = None
    comment_end_string: str | None = None

    def __post_init__(self) -> None:
        if self.newline_sequence not in _NEWLINES:
            raise InvalidInputError(r"newline_sequence is one of '\n', '\r' and '\r\n'")
        try:
            codecs.lookup(self.output_encoding)
        except LookupError:
            raise InvalidInputError(f"there is no encoding '{self.output_encoding}'") from None
        if self.mode == "preserve":
            raise InvalidInputError(
                "mode 'preserve' is unknown to template", hint='write the mode, as in "0644"'
            )

    def plan(self, host: Host) -> Plan:
        """Compare content and attributes."""
        values: dict[str, Any] = {"src": self.src}
        text = self.content.replace("\n", self.newline_sequence)
        placement = Placement(
            dest=self.dest,
            name=self.src.rpartition("/")[2],
            data=text.encode(self.output_encoding),
            ownership=paths.Ownership(owner=self.owner, group=self.group, mode=self.mode),
            backup=self.backup,
            force=self.force,
            follow=self.follow,
            validate=self.validate,
        )
        return values | (yield from place(host, placement))
