"""The change that is a request to a web server."""

from toolkit.core.record import record, replace
from toolkit.tasks.changes import Change, change_kind
from toolkit.tasks.host import Host, HttpRequest, HttpResponse

change_kind("http_request")(HttpRequest)


@change_kind("send_request")
@record
class SendRequest(Change):
    """Send one request; its answer goes back to the plan."""

    request: HttpRequest

    counts: bool = False  # as in Ansible, only a file that is kept makes the task changed

    def describe(self) -> str:
        """``GET https://example.org/``."""
        return f"{self.request.method} {self.request.url}"

    def apply(self, host: Host) -> HttpResponse | None:
        """Send it; ``None`` on a planned host."""
        return host.request(self.request, acts=True)

    def kept(self) -> Change:
        """Without headers and body, which may hold passwords."""
        return replace(self, request=replace(self.request, headers=(), body=None))

    def inverse(self) -> None:
        """What a server did is its own affair."""
        return
