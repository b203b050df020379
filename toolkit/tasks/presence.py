"""The state that most tasks hold: what they name is there, or is not."""

from enum import StrEnum


class Presence(StrEnum):
    """Is it there?"""

    PRESENT = "present"
    ABSENT = "absent"
