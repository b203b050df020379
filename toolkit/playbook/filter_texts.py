"""Filters of texts and paths."""

import os
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

_COMMENTS = {
    "plain": ("", "# ", ""),
    "erlang": ("", "% ", ""),
    "c": ("", "// ", ""),
    "cblock": ("/*\n", " * ", "\n */"),
    "xml": ("<!--\n", " - ", "\n-->"),
}


def _flags(multiline: bool, ignorecase: bool) -> int:
    return (re.MULTILINE if multiline else 0) | (re.IGNORECASE if ignorecase else 0)


def _replace(
    value: Any,
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
) -> str:
    return re.sub(
        pattern, replacement, str(value), count=count, flags=_flags(multiline, ignorecase)
    )


def _search(value: Any, pattern: str, *groups: str, **options: bool) -> Any:
    flags = _flags(options.get("multiline", False), options.get("ignorecase", False))
    found = re.search(pattern, str(value), flags)
    if found is None:
        return None
    return [found.group(_group(group)) for group in groups] if groups else found.group()


def _group(reference: str) -> str | int:
    """A group as Ansible writes it: ``\\1`` or ``\\g<name>``."""
    named = re.fullmatch(r"\\g<(\w+)>", reference)
    return named[1] if named else int(reference.removeprefix("\\"))


def _findall(value: Any, pattern: str, multiline: bool = False, ignorecase: bool = False) -> Any:
    return re.findall(pattern, str(value), _flags(multiline, ignorecase))


def _escape(value: str, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(value)
    return re.sub(r"([].[^$*\\])", r"\\\1", value)


def _split(value: str, *arguments: Any) -> list[str]:
    return value.split(*arguments)


def _comment(value: str, style: str = "plain", **options: str) -> str:
    begin, mark, end = _COMMENTS[style]
    mark = options.get("decoration", mark)
    lines = "\n".join(f"{mark}{line}".rstrip() for line in value.splitlines())
    first = options.get("prefix", mark.rstrip() if style in ("plain", "erlang", "c") else "")
    last = options.get("postfix", first)
    outer = [begin.rstrip("\n"), first, lines, last, end.lstrip("\n")]
    return "\n".join(part for part in outer if part)


def _urlsplit(value: str, part: str = "") -> Any:
    split = urllib.parse.urlsplit(value)
    names = ("scheme", "netloc", "path", "query", "fragment")
    names += ("username", "password", "hostname", "port")  # type: ignore[assignment] # more of them
    found = {name: getattr(split, name) for name in names}
    return found[part] if part else found


def _path_join(value: Any) -> str:
    return os.path.join(*value) if isinstance(value, list | tuple) else str(value)


def _ntpath(name: str) -> Callable[[str], Any]:
    def call(value: str) -> Any:
        import ntpath  # noqa: PLC0415 - hardly any play needs it

        found = getattr(ntpath, name)(value)
        return list(found) if isinstance(found, tuple) else found

    return call


def _relpath(value: str, start: str = ".") -> str:
    return os.path.relpath(value, start)


FILTERS: dict[str, Callable[..., Any]] = {
    "basename": os.path.basename,
    "comment": _comment,
    "commonpath": os.path.commonpath,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "normpath": os.path.normpath,
    "path_join": _path_join,
    "realpath": os.path.realpath,
    "regex_escape": _escape,
    "regex_findall": _findall,
    "regex_replace": _replace,
    "regex_search": _search,
    "relpath": _relpath,
    "split": _split,
    "splitext": lambda value: list(os.path.splitext(value)),
    "urldecode": urllib.parse.unquote_plus,
    "urlsplit": _urlsplit,
    "win_basename": _ntpath("basename"),
    "win_dirname": _ntpath("dirname"),
    "win_splitdrive": _ntpath("splitdrive"),
}
