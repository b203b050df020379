"""Whether a registry takes a login."""

import os
import tempfile
from dataclasses import replace

from toolkit.core.errors import ToolkitError
from toolkit.images.registry.client import Access, reading
from toolkit.images.registry.credentials import Credentials, Login
from toolkit.images.registry.endpoints import registry
from toolkit.images.registry.http import Request
from toolkit.images.registry.tokens import Authorizer

_OK, _UNAUTHORIZED = 200, 401


def check_login(access: Access, domain: str, login: Login) -> Login:
    """The login to keep; ``ToolkitError`` where the registry refuses it."""
    found = access.registries.endpoints(domain, "push")
    endpoint = found[-1] if found else registry(domain)
    with tempfile.TemporaryDirectory() as folder:
        trying = Credentials(os.path.join(folder, "config.json"))
        trying.store(endpoint.host, login)
        authorizer = replace(access, authorizer=Authorizer(access.http, trying)).authorizer
        headers: dict[str, str] = {}
        for _ in range(2):
            request = Request(method="GET", url=f"{endpoint.base}/", headers=headers)
            answer = access.http.send(endpoint, request)
            if answer.status == _OK:
                with reading(endpoint, answer):
                    return login
            if answer.status != _UNAUTHORIZED:
                with reading(endpoint, answer):
                    raise ToolkitError(
                        f"registry '{endpoint.shown}' answers {answer.status} to a login"
                    )
            headers = authorizer.answer(endpoint, "", answer)
            if not headers:
                break
    raise ToolkitError(f"registry '{endpoint.shown}' refuses the name or the password")
