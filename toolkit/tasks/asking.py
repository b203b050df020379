"""What ``get_url`` and ``uri`` share: the arguments of a request."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.core.errors import InvalidInputError
from toolkit.tasks.host import HttpRequest

AGENT = "ansible-httpget"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """How a server is asked; the tasks inherit these arguments.

    ``url_username`` and ``url_password`` are sent at once with ``force_basic_auth``, which is
    the only way that they are sent: no second request follows a refusal.
    """

    url: str
    headers: dict[str, Any] = field(default_factory=dict)
    timeout: int = 10
    validate_certs: bool = True
    ca_path: str | None = None
    use_proxy: bool = True
    http_agent: str = AGENT
    url_username: str | None = None
    url_password: str | None = None
    force_basic_auth: bool = False

    def request(self, method: str, *, redirects: str = "all", **more: Any) -> HttpRequest:
        """The request; ``more`` are headers and the ``body``."""
        body = more.pop("body", None)
        headers = {"User-Agent": self.http_agent, **more, **self._authorization()}
        headers |= {name: str(value) for name, value in self.headers.items()}
        for name, value in headers.items():
            if any(sign in f"{name}{value}" for sign in "\r\n"):
                raise InvalidInputError(f"the header '{name}' holds a new line")
        return HttpRequest(
            url=self.url,
            method=method,
            headers=tuple(headers.items()),
            body=body,
            timeout=float(self.timeout),
            verify=self.validate_certs,
            ca_path=self.ca_path or "",
            redirects=redirects,
            use_proxy=self.use_proxy,
        )

    def _authorization(self) -> Mapping[str, str]:
        if self.url_username is None:
            return {}
        pair = f"{self.url_username}:{self.url_password or ''}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
