"""Registries on loopback: a small one of our own that lies on demand, and Debian's."""

import gzip
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

from support.images import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, config_of, sha256

OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Asked:
    """One request that a registry got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """What it says; ``body`` may go on for ever, ``cut`` closes the line after that many bytes."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Iterator[bytes] = b""
    cut: int | None = None


Rule = Callable[[Asked], Answer | None]


class FakeRegistry:
    """Serves what it was given; the first of ``rules`` that answers a request overrides it."""

    def __init__(self) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.rules: list[Rule] = []
        self.asked: list[Asked] = []
        self.ranges = True
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers), self.rfile.read(length))
                registry.asked.append(asked)
                registry.send(self, asked, registry.answer(asked))

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _serve  # noqa: N815 - as http.server has it

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # content

    def blob(self, data: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        digest = sha256(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data), **more}

    def put(self, repository: str, tag: str, data: dict[str, Any]) -> str:
        """A manifest or index under a tag; its digest."""
        raw = json.dumps(data).encode()
        digest = sha256(raw)
        for name in (tag, digest):
            self.manifests[f"{repository}/manifests/{name}"] = (data["mediaType"], raw)
        return digest

    def image(self, repository: str, tag: str, *layers: bytes, **config: Any) -> str:
        """A whole image; its manifest's digest."""
        data = json.dumps(config_of(layers, **config)).encode()
        stored = [self.blob(gzip.compress(layer, mtime=0), OCI_LAYER) for layer in layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.blob(data, OCI_CONFIG),
            "layers": stored,
        }
        return self.put(repository, tag, manifest)

    # serving

    def answer(self, asked: Asked) -> Answer:
        for rule in self.rules:
            if found := rule(asked):
                return found
        path = asked.path.partition("?")[0].removeprefix("/v2/")
        if path in self.manifests:
            kind, raw = self.manifests[path]
            return Answer(headers={"Content-Type": kind}, body=raw)
        digest = path.rpartition("/blobs/")[2]
        if digest in self.blobs:
            return self._blob(asked, self.blobs[digest])
        return Answer(404, body=b'{"errors":[{"code":"UNKNOWN","message":"not known"}]}')

    def _blob(self, asked: Asked, data: bytes) -> Answer:
        start = asked.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        if not start or not self.ranges:
            return Answer(body=data)
        part = data[int(start) :]
        said = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        return Answer(206, said, part)

    def send(self, handler: BaseHTTPRequestHandler, asked: Asked, answer: Answer) -> None:
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if isinstance(answer.body, bytes):
            handler.send_header("Content-Length", str(len(answer.body)))
        else:
            handler.send_header("Connection", "close")
            handler.close_connection = True
        handler.end_headers()
        if asked.method == "HEAD":
            return
        body = iter((answer.body,)) if isinstance(answer.body, bytes) else answer.body
        try:
            for piece in body:
                handler.wfile.write(piece[: answer.cut])
            if answer.cut is not None:
                handler.close_connection = True
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True

    def got(self, part: str, method: str = "GET") -> list[Asked]:
        """The requests of a method whose path holds ``part``."""
        return [one for one in self.asked if part in one.path and one.method == method]


@dataclass(frozen=True, kw_only=True)
class DebianRegistry:
    """A ``docker-registry`` that runs."""

    host: str
    folder: Path
    log: Path


@contextmanager
def debian_registry(
    program: str, folder: Path, *, extra: dict[str, Any] | None = None, tls: bool = False
) -> Iterator[DebianRegistry]:
    """Debian's registry on loopback; ``extra`` goes into its configuration.

    With ``tls`` the files ``cert.pem`` and ``key.pem`` of ``folder`` are its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    http: dict[str, Any] = {"addr": f"127.0.0.1:{port}", "secret": "made for a test"}
    if tls:
        http["tls"] = {"certificate": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}},
        "http": http,
        **(extra or {}),
    }
    (folder / "config.yml").write_text(json.dumps(config))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (program, "serve", folder / "config.yml"), stdout=output, stderr=output
        )
    try:
        _await(process, f"{'https' if tls else 'http'}://127.0.0.1:{port}/", log)
        yield DebianRegistry(host=f"127.0.0.1:{port}", folder=folder, log=log)
    finally:
        process.terminate()
        process.wait()


def _await(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket() as probe:
            host, _, port = url.rstrip("/").rpartition("/")[2].partition(":")
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"docker-registry does not answer: {log.read_text()[-2000:]}")


def make_certificate(folder: Path, openssl: str) -> Path:
    """A certificate for 127.0.0.1 that signs itself; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        (
            openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
        ),
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"
