"""``get_url`` and ``uri``, against answers in memory and a real server on loopback."""

import base64
import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import ConflictError, InvalidInputError, UnavailableError
from toolkit.tasks import local_web
from toolkit.tasks.changes import from_data, to_data
from toolkit.tasks.host import HttpRequest, HttpResponse
from toolkit.tasks.planned import PlannedHost

PAGE = "http://web/files/page.txt"


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    made.web["GET", PAGE] = HttpResponse(status=200, reason="OK", body=b"page\n", url=PAGE)
    return made


def sha256(data: bytes) -> str:
    from toolkit.tasks.looking import digest  # noqa: PLC0415 - one use

    return digest(data, "sha256")


def test_a_file_is_fetched(host: FakeHost) -> None:
    values = run(host, "get_url", url=PAGE, dest="/srv/x", mode="0640").values
    assert host.files.read("/srv/x") == b"page\n"
    assert (values["status_code"], values["msg"], values["mode"]) == (200, "OK (5 bytes)", "0640")
    assert values["checksum_src"] == values["checksum_dest"]


def test_a_folder_takes_the_name_of_the_address_or_the_servers(host: FakeHost) -> None:
    assert run(host, "get_url", url=PAGE, dest="/srv/").values["dest"] == "/srv/page.txt"
    host.web["GET", PAGE] = HttpResponse(
        status=200,
        body=b"x",
        url=PAGE,
        headers=(("content-disposition", 'attachment; filename="../../etc/evil.txt"'),),
    )
    assert run(host, "get_url", url=PAGE, dest="/srv").values["dest"] == "/srv/evil.txt"


def test_a_file_that_fits_its_checksum_is_not_fetched_again(host: FakeHost) -> None:
    checksum = f"sha256:{sha256(b'page' + bytes([10]))}"
    assert run(host, "get_url", url=PAGE, dest="/srv/x", checksum=checksum).changed
    asked = len(host.requests)
    again = run(host, "get_url", url=PAGE, dest="/srv/x", checksum=checksum)
    assert (again.changed, again.values["msg"]) == (False, "file already exists")
    assert len(host.requests) == asked
    host.files.seed("/srv/x", "other")
    assert run(host, "get_url", url=PAGE, dest="/srv/x", checksum=checksum).changed


def test_what_does_not_fit_its_checksum_never_counts(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="has the sha256"):
        run(host, "get_url", url=PAGE, dest="/srv/x", checksum="sha256:00ff")
    assert host.files.stat("/srv/x") is None


def test_digests_can_be_fetched_too(host: FakeHost) -> None:
    listed = f"{'0' * 64}  other.txt\n{sha256(b'page' + bytes([10]))} *page.txt\n"
    sums = "https://web/SHA256SUMS"
    host.web["GET", sums] = HttpResponse(status=200, body=listed.encode(), url=sums)
    assert run(host, "get_url", url=PAGE, dest="/srv/x", checksum=f"sha256:{sums}").changed
    host.web["GET", sums] = HttpResponse(status=200, body=b"00  other.txt\n11  b\n", url=sums)
    with pytest.raises(ConflictError, match=r"has none of 'page\.txt'"):
        run(host, "get_url", url=PAGE, dest="/srv/y", checksum=f"sha256:{sums}")


def test_a_file_that_is_there_is_asked_for_by_its_date(host: FakeHost) -> None:
    host.files.seed("/srv/x", "old")
    host.files.nodes["/srv/x"].mtime = 86400.0
    host.web["GET", PAGE] = HttpResponse(status=304, reason="Not Modified", url=PAGE)
    assert not run(host, "get_url", url=PAGE, dest="/srv/x").changed
    sent = dict(host.requests[-1].headers)
    assert sent["If-Modified-Since"] == "Fri, 02 Jan 1970 00:00:00 GMT"


def test_a_server_that_refuses_is_told(host: FakeHost) -> None:
    host.web["GET", PAGE] = HttpResponse(status=404, reason="Not Found", url=PAGE)
    with pytest.raises(UnavailableError, match=r"page\.txt' answers 404 Not Found"):
        run(host, "get_url", url=PAGE, dest="/srv/x")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"checksum": "00ff"}, "checksum is 'ALGORITHM:DIGEST'"),
        ({"checksum": "crc:00"}, "is no checksum algorithm"),
        ({"checksum": "md5:xyz"}, "no digest in hexadecimal"),
        ({"headers": {"A": "b\r\nC: d"}}, "holds a new line"),
        ({"headers": "none"}, "expected a mapping"),
    ],
)
def test_what_cannot_be_asked(host: FakeHost, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        run(host, "get_url", url=PAGE, dest="/srv/x", **arguments)


def answer(host: FakeHost, method: str, status: int, body: object) -> None:
    host.web[method, PAGE] = HttpResponse(
        status=status,
        reason="Fine",
        body=json.dumps(body).encode(),
        headers=(("content-type", "application/json"), ("x-one", "1")),
        url=PAGE,
    )


def test_an_answer_in_json_is_read(host: FakeHost) -> None:
    answer(host, "POST", 201, {"id": 7})
    values = run(
        host,
        "uri",
        url=PAGE,
        method="POST",
        body={"a": [1]},
        body_format="json",
        status_code=[200, 201],
        return_content=True,
        user="me",
        password="secret",
        force_basic_auth=True,
    ).values
    assert (values["status"], values["json"], values["x_one"]) == (201, {"id": 7}, "1")
    assert values["content"] == '{"id": 7}'
    sent = host.requests[-1]
    assert sent.body == b'{"a": [1]}'
    assert dict(sent.headers)["Content-Type"] == "application/json"
    assert dict(sent.headers)["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()


def test_another_status_fails(host: FakeHost) -> None:
    answer(host, "GET", 500, {})
    values = run(host, "uri", url=PAGE).values
    assert values["failed"]
    assert values["msg"] == "status code was 500 and not [200]: Fine"
    assert not run(host, "uri", url=PAGE, status_code=500).values.get("failed")


def test_check_mode_sends_nothing(host: FakeHost) -> None:
    answer(host, "POST", 200, {})
    values = run(PlannedHost(host), "uri", url=PAGE, method="POST").values
    assert values["skipped"]
    assert host.requests == []


def test_a_journal_never_holds_what_was_sent(host: FakeHost) -> None:
    answer(host, "GET", 200, {})
    done = run(host, "uri", url=PAGE, headers={"Authorization": "Bearer secret"})
    assert described(done) == [f"GET {PAGE}"]
    kept = to_data(done.changes[0])
    assert "secret" not in json.dumps(kept)
    assert from_data(kept).describe() == f"GET {PAGE}"


class Server(http.server.BaseHTTPRequestHandler):
    """Redirects, forms and errors."""

    def do_GET(self) -> None:
        if self.path == "/there":
            self.send_response(200)
            self.send_header("X-Seen", self.headers.get("Authorization", "none"))
            self.end_headers()
            self.wfile.write(b"here")
        elif self.path == "/away":
            self.send_response(302)
            port = self.headers["Host"].rpartition(":")[2]
            self.send_header("Location", f"http://localhost:{port}/there")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as made:
        thread = threading.Thread(target=made.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()
        thread.join()


def test_a_real_server_is_asked(server: str) -> None:
    found = local_web.request(HttpRequest(url=f"{server}/there", use_proxy=False))
    assert (found.status, found.body) == (200, b"here")
    missing = local_web.request(HttpRequest(url=f"{server}/no", use_proxy=False))
    assert missing.status == 404


def test_redirects_go_as_far_as_asked_and_credentials_no_further(server: str) -> None:
    secret = (("Authorization", "Bearer secret"),)
    wish = HttpRequest(url=f"{server}/away", headers=secret, use_proxy=False)
    found = local_web.request(wish)
    assert (found.status, found.url.endswith("/there")) == (200, True)
    assert dict(found.headers)["x-seen"] == "none"
    stays = HttpRequest(url=f"{server}/away", redirects="none", use_proxy=False)
    assert local_web.request(stays).status == 302
    posted = HttpRequest(
        url=f"{server}/away", method="POST", body=b"", redirects="safe", use_proxy=False
    )
    assert local_web.request(posted).status == 302


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "nothing"])
def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(InvalidInputError, match="no http or https address"):
        local_web.request(HttpRequest(url=url))


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(UnavailableError, match=r"'http://127\.0\.0\.1:1/' does not answer"):
        local_web.request(HttpRequest(url="http://127.0.0.1:1/", use_proxy=False))
