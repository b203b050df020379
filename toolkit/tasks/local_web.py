"""HTTP requests from this machine, by the standard library."""

import http.client
import ssl
import urllib.error
import urllib.request
from typing import Any

from toolkit.core.errors import InvalidInputError, UnavailableError
from toolkit.tasks.host import HttpRequest, HttpResponse

_SAFE = ("GET", "HEAD")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows as far as was asked; credentials never go to another host."""

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if self._wanted == "none" or (self._wanted == "safe" and req.get_method() not in _SAFE):
            return None
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and made.host != req.host:
            made.headers.pop("Authorization", None)
        return made


def request(wish: HttpRequest) -> HttpResponse:
    """Do it; any status is an answer, and no answer is ``UnavailableError``."""
    if not wish.url.lower().startswith(("http://", "https://")):
        raise InvalidInputError(f"'{wish.url}' is no http or https address")
    handlers: list[Any] = [_Redirects(wish.redirects), _https(wish)]
    if not wish.use_proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        asked = urllib.request.Request(  # noqa: S310 - http and https only, see above
            wish.url, data=wish.body, headers=dict(wish.headers), method=wish.method
        )
    except ValueError as error:
        raise InvalidInputError(f"'{wish.url}' is no address: {error}") from None
    try:
        with opener.open(asked, timeout=wish.timeout) as answer:
            return _answer(answer, wish)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error, wish)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnavailableError(f"'{wish.url}' does not answer: {reason}") from None


def _https(wish: HttpRequest) -> urllib.request.HTTPSHandler:
    try:
        context = ssl.create_default_context(cafile=wish.ca_path or None)
    except OSError as error:
        raise InvalidInputError(f"cannot read '{wish.ca_path}': {error.strerror}") from None
    if not wish.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return urllib.request.HTTPSHandler(context=context)


def _answer(answer: Any, wish: HttpRequest) -> HttpResponse:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return HttpResponse(
        status=answer.status,
        reason=answer.reason or "",
        headers=tuple(headers.items()),
        body=b"" if wish.method == "HEAD" else answer.read(),
        url=answer.url,
    )
