"""What the controller answers in the middle of a play: its files, programs, its person."""

import glob
import hashlib
import os
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from toolkit.core.errors import InvalidInputError, NotFoundError, ToolkitError, UnsupportedError
from toolkit.core.files import write_atomic
from toolkit.core.process import run
from toolkit.core.secret import Decrypt, is_encrypted, no_password
from toolkit.playbook.loader import load_variables
from toolkit.playbook.opening import first_file
from toolkit.playbook.shipped import find
from toolkit.ssh.link import Reply

What = Mapping[str, Any]
PASSWORD_LENGTH = 20
_CLASSES = {
    "ascii_letters": string.ascii_letters,
    "ascii_lowercase": string.ascii_lowercase,
    "ascii_uppercase": string.ascii_uppercase,
    "digits": string.digits,
    "hexdigits": string.hexdigits,
    "punctuation": string.punctuation,
}


class Person(Protocol):
    """Whoever sits in front of the run."""

    def ask(self, prompt: str, *, secret: bool = False) -> str:
        """One line; ``InvalidInputError`` where nobody is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """Answers that need the controller's own machine; ``base`` is the playbook's folder."""

    base: str
    environment: Mapping[str, str]
    decrypt: Decrypt = no_password

    def folders(self, role: str) -> tuple[str, ...]:
        """Where a file is looked for."""
        return tuple(filter(None, (role, self.base)))

    def file(self, what: What) -> Reply:
        """The content of a file that a task names."""
        path = find(self.folders(what["role"]), what["folder"], what["name"])
        if path is None:
            looked = " and ".join(self.folders(what["role"]))
            raise NotFoundError(f"there is no file '{what['name']}'", hint=f"looked in {looked}")
        with open(path, "rb") as file:
            body = file.read()
        if is_encrypted(body):
            body = self.decrypt(body, path)
        return Reply(result={"name": what["name"]}, body=body)

    def variables(self, what: What) -> Mapping[str, Any]:
        """The variables in a file that an ``include_vars`` names."""
        role = what["role"]
        folders = [
            os.path.join(folder, part) for folder in self.folders(role) for part in ("vars", "")
        ]
        path = first_file(folders, what["name"])
        if path is None:
            raise NotFoundError(f"there is no file '{what['name']}'")
        return load_variables(path, self.decrypt)

    def fetch(self, what: What, host: str, body: bytes) -> dict[str, Any]:
        """Write a host's file where ``dest`` says, and tell whether it was another one."""
        dest = self._place(what, host)
        old = b""
        if os.path.isfile(dest):
            with open(dest, "rb") as file:
                old = file.read()
        changed = not os.path.isfile(dest) or old != body
        if changed and not what["check"]:
            os.makedirs(os.path.dirname(dest), exist_ok=True)
            write_atomic(dest, body)
        sums = {"checksum": what["checksum"], "remote_checksum": what["checksum"]}
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return {"changed": changed, "dest": dest, "md5sum": md5, "file": what["src"], **sums}

    def _place(self, what: What, host: str) -> str:
        dest = os.path.join(self.base, os.path.expanduser(what["dest"]))
        if not what["flat"]:
            return os.path.normpath(f"{dest}/{host}/{what['src'].lstrip('/')}")
        if dest.endswith("/"):
            return os.path.join(dest, os.path.basename(what["src"]))
        return dest

    def lookup(self, what: What) -> list[Any]:
        """The values of a lookup that sees this machine."""
        answer = _LOOKUPS.get(what["name"])
        if answer is None:
            raise UnsupportedError(f"the lookup '{what['name']}' is not supported")
        return answer(self, what)


def _env(files: Files, what: What) -> list[Any]:
    default = what["options"].get("default", "")
    return [files.environment.get(str(term), default) for term in what["terms"]]


def _file(files: Files, what: What) -> list[Any]:
    found = []
    for term in what["terms"]:
        reply = files.file({"folder": "files", "name": str(term), "role": what["role"]})
        text = reply.body.decode()
        text = text.rstrip() if what["options"].get("rstrip", True) else text
        found.append(text.lstrip() if what["options"].get("lstrip", False) else text)
    return found


def _fileglob(files: Files, what: What) -> list[Any]:
    found: list[Any] = []
    for term in what["terms"]:
        for folder in files.folders(what["role"]):
            for part in ("files", ""):
                pattern = os.path.join(glob.escape(folder), part, str(term))
                paths = sorted(path for path in glob.glob(pattern) if os.path.isfile(path))
                if paths:
                    break
            if paths:
                found += paths
                break
    return found


def _first_found(files: Files, what: What) -> list[Any]:
    """The first file that exists: names, or mappings with ``files`` and ``paths``."""
    skip = bool(what["options"].get("skip"))
    tried: list[str] = []
    names: list[tuple[str, list[str]]] = []
    terms = [*what["terms"], *([dict(what["options"])] if "files" in what["options"] else [])]
    for term in terms:
        if isinstance(term, Mapping):
            skip = skip or bool(term.get("skip"))
            paths = _as_list(term.get("paths", [])) or [""]
            names += [(name, paths) for name in _as_list(term.get("files", []))]
        else:
            names += [(name, [""]) for name in _as_list(term)]
    for name, paths in names:
        for path in paths:
            for folder in files.folders(what["role"]):
                for part in ("", "files", "templates", "vars", "tasks"):
                    whole = os.path.normpath(os.path.join(folder, part, path, name))
                    tried.append(whole)
                    if os.path.isfile(whole):
                        return [whole]
    if skip:
        return []
    raise NotFoundError(f"no file was found among {', '.join(name for name, _ in names)}")


def _as_list(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.replace(";", ",").split(",") if part.strip()]
    return [str(each) for each in value]


def _lines(files: Files, what: What) -> list[Any]:
    return [line for text in _pipe(files, what) for line in str(text).splitlines()]


def _pipe(files: Files, what: What) -> list[Any]:
    """What shell commands print here; as in Ansible, in the playbook's folder."""
    found = []
    for term in what["terms"]:
        argv = ("sh", "-c", 'cd "$1" && eval "$2"', "sh", files.base, str(term))
        done = run(argv, env=dict(files.environment), ok=())
        if done.status != 0:
            raise ToolkitError(f"'{term}' ended with status {done.status}: {done.stderr.strip()}")
        found.append(done.stdout.rstrip())
    return found


def _password(files: Files, what: What) -> list[Any]:
    """A password kept in a file here, made if there is none: ``path length=20 chars=digits``."""
    found = []
    for term in what["terms"]:
        path, *words = str(term).split()
        given = {**dict(word.split("=", 1) for word in words if "=" in word), **what["options"]}
        length = int(given.get("length", PASSWORD_LENGTH))
        path = os.path.join(files.base, os.path.expanduser(path))
        if path != os.devnull and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found.append(file.read().splitlines()[0].split(" salt=")[0])
            continue
        signs = _signs(given.get("chars", "ascii_letters,digits,.,:-_"))
        made = "".join(secrets.choice(signs) for _ in range(length))
        if path != os.devnull:
            os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
            write_atomic(path, f"{made}\n".encode(), mode=0o600)
        found.append(made)
    return found


def _signs(chars: Any) -> str:
    parts = chars.split(",") if isinstance(chars, str) else [str(each) for each in chars]
    found = "".join(_CLASSES.get(part.strip(), part) for part in parts)
    if not found:
        raise InvalidInputError("a password needs characters")
    return found


def _path_test(files: Files, what: What) -> list[Any]:
    kind, path = what["terms"]
    return [_PATHS[kind](os.path.join(files.base, os.path.expanduser(path)))]


_PATHS: dict[str, Callable[[str], bool]] = {
    "abs": os.path.isabs,
    "directory": os.path.isdir,
    "exists": os.path.exists,
    "file": os.path.isfile,
    "link": os.path.islink,
    "link_exists": os.path.lexists,
    "mount": os.path.ismount,
}
_LOOKUPS: dict[str, Callable[[Files, What], list[Any]]] = {
    "env": _env,
    "file": _file,
    "fileglob": _fileglob,
    "first_found": _first_found,
    "lines": _lines,
    "password": _password,
    "path_test": _path_test,
    "pipe": _pipe,
}
