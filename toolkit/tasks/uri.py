"""``uri``: ask a web server something."""

import json
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from toolkit.core.errors import InvalidInputError
from toolkit.tasks import commanding, paths
from toolkit.tasks.asking import Asking
from toolkit.tasks.host import Host, HttpResponse
from toolkit.tasks.placing import Placement, place
from toolkit.tasks.registry import Plan, task
from toolkit.tasks.web_changes import SendRequest

_REDIRECTS = {"yes": "all", "true": "all", "no": "none", "false": "none", "urllib2": "all"}
_REDIRECTS |= {word: word for word in ("all", "safe", "none")}


class Format(StrEnum):
    """How ``body`` is written."""

    FORM = "form-urlencoded"
    JSON = "json"
    RAW = "raw"


@task("uri")
@dataclass(frozen=True, kw_only=True, slots=True)
class Uri(Asking):
    """Send a request and judge the answer's status; Ansible's ``uri``.

    A mapping or list as ``body`` is written as JSON or as a form. An answer in JSON is in ``json``;
    its text is in ``content`` with ``return_content``. ``dest`` keeps it in a file. Any request
    may change something at the server, so check mode sends none.
    """

    aliases: ClassVar[Mapping[str, str]] = {"user": "url_username", "password": "url_password"}
    acts: ClassVar[bool] = True

    method: str = "GET"
    body: str | dict[str, Any] | tuple[Any, ...] | None = None
    body_format: Format = Format.RAW
    return_content: bool = False
    status_code: tuple[int, ...] = (200,)
    follow_redirects: str = "safe"
    creates: str | None = None
    removes: str | None = None
    dest: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        if not self.method.isalpha():
            raise InvalidInputError(f"'{self.method}' is no HTTP method")
        if self.follow_redirects.lower() not in _REDIRECTS:
            raise InvalidInputError("follow_redirects is one of all, safe, none")
        if self.body_format is Format.RAW and isinstance(self.body, tuple):
            raise InvalidInputError(
                "a list as body needs body_format", hint="'body_format: json' writes it as JSON"
            )

    def plan(self, host: Host) -> Plan:
        """Send it if its files ask for it."""
        reason = commanding.unneeded(host, creates=self.creates, removes=self.removes)
        if reason:
            return {"msg": f"skipped, since {reason}", "changed": False}
        body, kind = self._body()
        method = self.method.upper()
        redirects = _REDIRECTS[self.follow_redirects.lower()]
        more = {"Content-Type": kind} if kind else {}
        wish = self.request(method, redirects=redirects, body=body, **more)
        began = time.monotonic()
        answer = yield SendRequest(request=wish)
        if not isinstance(answer, HttpResponse):
            return {
                "msg": "the request would have been sent if not in check mode",
                "skipped": True,
                "changed": False,
                commanding.UNFORESEEN: ["status", "json", "content"],
            }
        values = self._values(answer) | {"elapsed": int(time.monotonic() - began)}
        if self.dest and not values.get("failed"):
            values |= yield from self._keep(host, answer)
        return values

    def _body(self) -> tuple[bytes | None, str]:
        if self.body is None:
            return None, ""
        if self.body_format is Format.JSON:
            text = self.body if isinstance(self.body, str) else json.dumps(self.body)
            return text.encode(), "application/json"
        if self.body_format is Format.FORM:
            fields: Any = self.body
            text = fields if isinstance(fields, str) else urllib.parse.urlencode(fields, doseq=True)
            return text.encode(), "application/x-www-form-urlencoded"
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode(), ""

    def _values(self, answer: HttpResponse) -> dict[str, Any]:
        headers = {name.replace("-", "_"): value for name, value in answer.headers}
        values: dict[str, Any] = {
            **headers,
            "status": answer.status,
            "url": answer.url,
            "redirected": answer.url != self.url,
            "msg": f"{answer.reason} ({len(answer.body)} bytes)",
        }
        text = answer.body.decode(errors="replace")
        if self.return_content:
            values["content"] = text
        if "json" in dict(answer.headers).get("content-type", ""):
            values |= _read(text)
        if answer.status not in self.status_code:
            wanted = list(self.status_code)
            said = f"status code was {answer.status} and not {wanted}: {answer.reason}"
            values |= {"failed": True, "msg": said, "content": text, "_said": said}
        return values

    def _keep(self, host: Host, answer: HttpResponse) -> Plan:
        owners = paths.Ownership(owner=self.owner, group=self.group, mode=self.mode)
        name = urllib.parse.urlsplit(answer.url).path.rstrip("/").rpartition("/")[2]
        placement = Placement(
            dest=str(self.dest), name=name or "index.html", data=answer.body, ownership=owners
        )
        told: dict[str, Any] = yield from place(host, placement)
        return {"path": told["dest"], **told}


def _read(text: str) -> dict[str, Any]:
    try:
        return {"json": json.loads(text)}
    except ValueError:
        return {}
