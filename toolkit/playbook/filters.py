"""Filters and tests that Jinja2 lacks and playbooks use, by Ansible's names and meanings.

What only computes stands here and in ``filter_texts`` and ``filter_lists``.
"""

import base64
import hashlib
import json
import math
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.playbook.filter_lists import FILTERS as LISTS
from toolkit.playbook.filter_tests import TESTS
from toolkit.playbook.filter_texts import FILTERS as TEXTS
from toolkit.playbook.passwords import ANSIBLE_ROUNDS, password_hash

_TRUE = frozenset({"yes", "on", "true", "1", "y", "t", "1.0"})
_FALSE = frozenset({"no", "off", "false", "0", "n", "f", "0.0"})
_SIZES = "BKMGTPEZY"


def _bool(value: Any) -> bool:
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(f"'{value}' is neither true nor false")


def _plain(value: Any) -> Any:
    """What JSON cannot carry as what it stands for."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def _to_json(value: Any, **options: Any) -> str:
    options.pop("vault_to_text", None)
    options.pop("preprocess_unsafe", None)
    return json.dumps(value, default=_plain, **options)


def _to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **options: Any) -> str:
    return _to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **options)


def _from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str | bytes) else value


def _yaml(value: Any, **options: Any) -> str:
    import yaml  # noqa: PLC0415 - 30 ms that few plays need

    plain = json.loads(_to_json(value))
    text: str = yaml.safe_dump(plain, allow_unicode=True, **options)
    return text


def _to_yaml(value: Any, **options: Any) -> str:
    return _yaml(value, **{"default_flow_style": None, **options})


def _to_nice_yaml(value: Any, indent: int = 4, **options: Any) -> str:
    return _yaml(value, indent=indent, default_flow_style=False, **options)


def _from_yaml(value: Any) -> Any:
    import yaml  # noqa: PLC0415 - as above

    return yaml.safe_load(value) if isinstance(value, str) else value


def _from_yaml_all(value: Any) -> list[Any]:
    import yaml  # noqa: PLC0415 - as above

    return list(yaml.safe_load_all(value)) if isinstance(value, str) else value


def _ternary(value: Any, if_true: Any, if_false: Any, if_none: Any = None) -> Any:
    if value is None and if_none is not None:
        return if_none
    return if_true if value else if_false


def _b64encode(value: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(str(value).encode(encoding)).decode()


def _b64decode(value: str, encoding: str = "utf-8") -> str:
    return base64.b64decode(value).decode(encoding)


def _hash(value: Any, kind: str = "sha1") -> str:
    try:
        return hashlib.new(kind, str(value).encode(), usedforsecurity=False).hexdigest()
    except ValueError:
        raise InvalidInputError(f"there is no hash '{kind}'") from None


def _hashed_as(kind: str) -> Callable[[Any], str]:
    return lambda value: _hash(value, kind)


def _password_hash(
    value: Any, hashtype: str = "sha512", salt: str | None = None, **options: Any
) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"password_hash needs text, not {value!r}")
    kind = {"sha512_crypt": "sha512", "sha256_crypt": "sha256"}.get(hashtype, hashtype)
    rounds = options.get("rounds") or ANSIBLE_ROUNDS.get(kind)
    return password_hash(value, kind, salt=salt, rounds=rounds)


def _mandatory(value: Any, message: str = "") -> Any:
    import jinja2  # noqa: PLC0415 - loaded already where a filter runs

    if isinstance(value, jinja2.Undefined):
        raise InvalidInputError(message or "a mandatory variable is not defined")
    return value


def _human_readable(value: Any, isbits: bool = False, unit: str | None = None) -> str:
    size, name = float(value), "b" if isbits else "B"
    names = [sign + name if sign != "B" else ("bits" if isbits else "Bytes") for sign in _SIZES]
    step = 0
    while step < len(names) - 1 and (
        unit[0].upper() != names[step][0].upper() if unit else size >= 1024
    ):
        size, step = size / 1024, step + 1
    return f"{size:.2f} {names[step]}"


def _human_to_bytes(value: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    del isbits
    text = str(value).strip()
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = (text[len(number) :].strip() or default_unit or "B")[0].upper()
    if unit not in _SIZES or not number:
        raise InvalidInputError(f"'{value}' is no size")
    return round(float(number) * float(1024 ** _SIZES.index(unit)))


def _chooser(seed: Any) -> Any:
    import random  # noqa: PLC0415 - hardly any play needs it

    # A seed asks for the same again, as one that makes passwords must not.
    return random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - see above


def _random(end: Any, start: int = 0, step: int = 1, seed: Any = None) -> Any:
    chooser = _chooser(seed)
    if isinstance(end, int):
        return chooser.randrange(start, end, step)
    return chooser.choice(list(end))


def _shuffle(values: Any, seed: Any = None) -> list[Any]:
    chooser = _chooser(seed)
    found = list(values)
    chooser.shuffle(found)
    return found


def _to_uuid(value: str, namespace: str = "361e6d51-faec-444a-9079-341386da8e2e") -> str:
    import uuid  # noqa: PLC0415 - hardly any play needs it

    return str(uuid.uuid5(uuid.UUID(namespace), str(value)))


def _strftime(form: str, seconds: Any = None, utc: bool = False) -> str:
    import time  # noqa: PLC0415 - as above

    when = time.time() if seconds is None else float(seconds)
    return time.strftime(form, time.gmtime(when) if utc else time.localtime(when))


def _to_datetime(value: str, form: str = "%Y-%m-%d %H:%M:%S") -> Any:
    import datetime  # noqa: PLC0415 - as above

    return datetime.datetime.strptime(value, form)  # noqa: DTZ007 - Ansible's has no zone either


def _log(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)


def _root(value: float, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / base)


def _type_debug(value: Any) -> str:
    return type(value).__name__


def _quote(value: Any) -> str:
    return shlex.quote(str(value if value is not None else ""))


def _address(name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        from toolkit.playbook import addresses  # noqa: PLC0415 - few plays compute addresses

        return addresses.FILTERS[name](*arguments, **options)

    return call


_ADDRESS_NAMES = ("ipaddr", "ipmath", "ipsubnet", "ipv4", "ipv6", "ipwrap", "nthhost")
ADDRESSES = tuple(f"{p}{name}" for name in _ADDRESS_NAMES for p in ("", "ansible.utils."))
FILTERS: dict[str, Callable[..., Any]] = {
    **{name: _address(name.rpartition(".")[2]) for name in ADDRESSES},
    **LISTS,
    **TEXTS,
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "bool": _bool,
    "checksum": _hashed_as("sha1"),
    "from_json": _from_json,
    "from_yaml": _from_yaml,
    "from_yaml_all": _from_yaml_all,
    "hash": _hash,
    "human_readable": _human_readable,
    "human_to_bytes": _human_to_bytes,
    "log": _log,
    "mandatory": _mandatory,
    "md5": _hashed_as("md5"),
    "password_hash": _password_hash,
    "pow": math.pow,
    "quote": _quote,
    "random": _random,
    "root": _root,
    "sha1": _hashed_as("sha1"),
    "shuffle": _shuffle,
    "strftime": _strftime,
    "ternary": _ternary,
    "to_datetime": _to_datetime,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
    "to_nice_yaml": _to_nice_yaml,
    "to_uuid": _to_uuid,
    "to_yaml": _to_yaml,
    "type_debug": _type_debug,
}
__all__ = ["FILTERS", "TESTS"]
