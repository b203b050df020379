"""Arguments written in one line: ``command: make all chdir=/src creates=/src/out``."""

import re
from collections.abc import Iterator

# A word ends at white space outside of quotes and of {{ }} and {% %}.
_PIECE = re.compile(
    r"""(?x)
    \{\{.*?\}\} | \{%.*?%\} | \{\#.*?\#\}
    | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*'
    | \s+ | \\. | .
    """,
    re.DOTALL,
)
_PAIR = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
RAW = "_raw_params"
COMMAND_OPTIONS = frozenset(
    {"argv", "chdir", "creates", "executable", "removes", "stdin", "stdin_add_newline"}
)
TAKES_RAW = {
    "command": COMMAND_OPTIONS,
    "shell": COMMAND_OPTIONS,
    "raw": frozenset({"executable"}),
    "script": COMMAND_OPTIONS | {"decrypt", "cmd"},
    "include_tasks": frozenset({"file", "apply"}),
    "import_tasks": frozenset({"file"}),
    "include_vars": frozenset(
        {"file", "dir", "name", "depth", "files_matching", "hash_behaviour", "ignore_files"}
    ),
    "meta": frozenset[str](),
    "import_playbook": frozenset[str](),
}


def words(text: str) -> list[str]:
    """The words of a line as they were written, quotes and expressions whole."""
    found, current = [], ""
    for piece in _PIECE.findall(text):
        if piece.isspace():
            if current:
                found.append(current)
            current = ""
        else:
            current += piece
    return [*found, current] if current else found


def parse(module: str, text: str) -> dict[str, str] | None:
    """The arguments in a line; ``None`` where the module takes no text that is not ``key=value``.

    The rest of a command keeps its quotes: the shell, or the splitting of a command, reads them.
    """
    options = TAKES_RAW.get(module)
    if options is None:
        pairs = [_PAIR.fullmatch(word) for word in words(text)]
        if not all(pairs):
            return None
        return {pair[1]: unquoted(pair[2]) for pair in pairs if pair}
    found: dict[str, str] = {}
    rest = _without_options(text, options, found)
    if rest:
        found[RAW] = rest
    return found


def _without_options(text: str, options: frozenset[str], found: dict[str, str]) -> str:
    """The text without the options in it; white space inside the rest stays as it is."""
    kept = []
    for word, space in _spaced(text):
        pair = _PAIR.fullmatch(word)
        if pair and pair[1] in options:
            found[pair[1]] = unquoted(pair[2])
        else:
            kept.append(word + space)
    return "".join(kept).strip()


def _spaced(text: str) -> Iterator[tuple[str, str]]:
    """Each word with the white space behind it."""
    word = ""
    for piece in _PIECE.findall(text):
        if piece.isspace():
            yield word, piece
            word = ""
        else:
            word += piece
    if word:
        yield word, ""


def unquoted(text: str) -> str:
    """The text without the quotes around it."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace(f"\\{text[0]}", text[0])
    return text
