"""ADD of a URL: one file over HTTP, its size bounded and its digest checked."""

import hashlib
import os
from email.utils import parsedate_to_datetime
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from toolkit.building.faults import Place
from toolkit.core.errors import ToolkitError, UnavailableError
from toolkit.images.limits import Limits

_CHUNK = 1 << 20
_SECONDS = 60
_DIGITS = 64


def fetch(url: str, folder: str, *, checksum: str, place: Place) -> tuple[str, str]:
    """Fetch ``url`` into ``folder``; the file's name and its SHA-256.

    The file has mode 600 and the time that the server gives, as Docker makes it.
    """
    _check_sum(checksum, place)
    name = os.path.basename(unquote(urlsplit(url).path)) or "index"
    path = os.path.join(folder, name)
    opener = request.OpenerDirector()  # only these two: no redirect leads to a file
    for handler in (
        request.ProxyHandler,
        request.HTTPHandler,
        request.HTTPSHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
        request.UnknownHandler,
    ):
        opener.add_handler(handler())
    try:
        with opener.open(url, timeout=_SECONDS) as answer, open(path, "xb") as file:
            digest = _pour(answer, file, place, url)
            changed = answer.headers.get("Last-Modified")
    except HTTPError as error:
        raise ToolkitError(f"{place}: {url}: {error.code} {error.reason}") from None
    except (URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(f"{place}: {url}: {reason}") from None
    if checksum and checksum != f"sha256:{digest}":
        os.unlink(path)
        raise ToolkitError(
            f"{place}: {url} has the digest sha256:{digest}, not {checksum}",
            hint="it changed, or it was changed on the way",
        )
    os.chmod(path, 0o600)
    when = _time(changed)
    os.utime(path, (when, when))
    return name, digest


def _check_sum(checksum: str, place: Place) -> None:
    kind, _, digits = checksum.partition(":")
    good = kind == "sha256" and len(digits) == _DIGITS and set(digits) <= set("0123456789abcdef")
    if checksum and not good:
        raise place.fault(f"--checksum is sha256: and 64 digits, not '{checksum}'")


def _pour(answer: "Any", file: "Any", place: Place, url: str) -> str:
    seen, total, limit = hashlib.sha256(), 0, Limits().bytes
    while data := answer.read(_CHUNK):
        total += len(data)
        if total > limit:
            raise ToolkitError(f"{place}: {url} is longer than {limit} bytes")
        seen.update(data)
        file.write(data)
    return seen.hexdigest()


def _time(text: str | None) -> float:
    if text:
        try:
            return parsedate_to_datetime(text).timestamp()
        except ValueError:
            return 0.0
    return 0.0


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
