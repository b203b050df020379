"""Who gets in: a Unix socket by its mode, TCP by a certificate that was signed."""

import asyncio
import os
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.api import sockets
from toolkit.core.errors import ConflictError, InvalidInputError, MissingInputError


def test_a_socket_is_for_its_owner_and_its_group(tmp_path: Path) -> None:
    path = str(tmp_path / "run" / "engine.sock")
    sockets.unix(path, None).close()  # as one that was killed leaves it
    with sockets.unix(path, None) as sock:
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o660
        assert sock.getsockname() == path
        with pytest.raises(ConflictError, match="serves on"):
            sockets.unix(path, None)


def test_a_name_that_is_another_servers_by_now_stays(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sock")
    first = sockets.unix(path, None)
    mark = sockets.mark_of(path)
    kept = os.open(path, os.O_PATH)  # so that its inode is not given to the next
    first.close()
    with sockets.unix(path, None):
        sockets.forget(path, mark)
        assert Path(path).exists()
        sockets.forget(path, sockets.mark_of(path))
        assert not Path(path).exists()
    sockets.forget(path, mark)
    os.close(kept)


def test_tcp_without_certificates_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKYARD_ROOT", str(tmp_path / "run"))
    monkeypatch.setenv("DOCKYARD_DATA_ROOT", str(tmp_path / "data"))
    dockyard = str(Path(sys.executable).with_name("dockyard"))
    argv = (dockyard, "engine", "serve", "--tcp", "127.0.0.1:2376", "--tls-ca", "/ca")
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--tcp needs --tls-cert, --tls-key" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["nowhere", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is not HOST:PORT"):
        sockets.tcp(text)


@pytest.fixture
def certificates(tmp_path: Path, require: Callable[[str], str]) -> Path:
    """An authority, a server's and a client's certificate that it signed, and a stranger's."""
    openssl = require("openssl")

    def run(*words: str) -> None:
        subprocess.run((openssl, *words), cwd=tmp_path, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "stranger"):
        run("req", "-x509", *new, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-out", f"{name}.pem")  # fmt: skip
    for name in ("server", "client"):
        run("req", *new, "-subj", "/CN=127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-addext", "subjectAltName=IP:127.0.0.1")  # fmt: skip
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2",
            "-copy_extensions", "copy", "-out", f"{name}.pem")  # fmt: skip
    return tmp_path


def test_only_signed_clients_get_in(certificates: Path) -> None:
    files = {name: str(certificates / name) for name in ("server.pem", "server.key", "ca.pem")}
    tls = sockets.Tls(certificate=files["server.pem"], key=files["server.key"], ca=files["ca.pem"])

    async def talk(name: str) -> bytes:
        asking = ssl.create_default_context(cafile=files["ca.pem"])
        if name:
            asking.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
        try:  # TLS 1.3 refuses a client only after it believes to be in
            reader, writer = await asyncio.open_connection(*address, ssl=asking)
            said = await reader.read()
            writer.close()
        except (ssl.SSLError, ConnectionError):
            return b""
        return said

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"in")
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(greet, sock=sock, ssl=sockets.context(tls)):
            assert await talk("client") == b"in"
            for name in ("", "stranger"):
                assert await talk(name) == b""

    with sockets.tcp("127.0.0.1:0") as sock:
        address = sock.getsockname()
        asyncio.run(main())


def test_certificates_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match="missing"):
        sockets.context(sockets.Tls(certificate=str(tmp_path / "no"), key="no", ca="no"))
    (tmp_path / "bad").write_text("no certificate")
    bad = str(tmp_path / "bad")
    with pytest.raises(InvalidInputError, match="cannot be used"):
        sockets.context(sockets.Tls(certificate=bad, key=bad, ca=bad))


def test_systemd_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        sockets.notify(str(tmp_path / "notify"), "READY=1")
        assert listening.recv(100) == b"READY=1"
    sockets.notify("", "READY=1")  # nobody listens
