"""The wire format of D-Bus, and a service of the test's own at the other end."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from toolkit.cgroup.dbus import Bus, DBusError, Method, Reader, kinds, message, pack
from toolkit.core.errors import UnavailableError

METHOD = Method(service="org.example", path="/org/example", interface="org.example.One")
REPLY, ERROR, SIGNAL = 2, 3, 4


@pytest.mark.parametrize(
    ("signature", "found"),
    [
        ("", []),
        ("ss", ["s", "s"]),
        ("ssa(sv)a(sa(sv))", ["s", "s", "a(sv)", "a(sa(sv))"]),
        ("a{sv}(i(uu))ay", ["a{sv}", "(i(uu))", "ay"]),
    ],
)
def test_a_signature_is_a_row_of_types(signature: str, found: list[str]) -> None:
    assert kinds(signature) == found


@pytest.mark.parametrize(
    ("signature", "values", "data"),
    [
        ("y", (7,), b"\7"),
        ("yu", (7, 1), b"\7\0\0\0\1\0\0\0"),
        ("b", (True,), b"\1\0\0\0"),
        ("s", ("ab",), b"\2\0\0\0ab\0"),
        ("g", ("as",), b"\2as\0"),
        ("v", (("u", 5),), b"\1u\0\0\5\0\0\0"),
        ("as", (["a", "b"],), b"\x0e\0\0\0\1\0\0\0a\0\0\0\1\0\0\0b\0"),
        ("at", ([1],), b"\x08\0\0\0\0\0\0\0\1" + bytes(7)),
        ("at", ([],), b"\0\0\0\0\0\0\0\0"),
        ("ay", (b"\1\2",), b"\2\0\0\0\1\2"),
        ("(yt)", ((1, 2),), b"\1" + bytes(7) + b"\2" + bytes(7)),
    ],
)
def test_values_are_written_as_the_specification_says(
    signature: str, values: tuple[Any, ...], data: bytes
) -> None:
    assert bytes(pack(signature, values)) == data
    assert Reader(data).take(signature) == ((5,) if signature == "v" else values)


def test_what_is_nested_comes_back() -> None:
    value = ("x", [("One", ("as", ["a"])), ("Two", ("b", True))], [("y", [("Z", ("t", 9))])])
    data = bytes(pack("sa(sv)a(sa(sv))", value))
    assert Reader(data).take("sa(sv)a(sa(sv))") == (
        "x",
        [("One", ["a"]), ("Two", True)],
        [("y", [("Z", 9)])],
    )


def test_the_other_byte_order_is_read() -> None:
    assert Reader(struct.pack(">IQ", 7, 5), ">").take("u") == (7,)


def answer(kind: int, to: int, signature: str, *values: Any, name: str = "") -> bytes:
    """A message as a service sends it."""
    body = bytes(pack(signature, values))
    fields: list[tuple[int, tuple[str, Any]]] = [(5, ("u", to))] if to else []
    if name:
        fields.append((4 if kind == ERROR else 3, ("s", name)))
    if signature:
        fields.append((8, ("g", signature)))
    head = pack("yyyyuua(yv)", (ord("l"), kind, 0, 1, len(body), 77, fields))
    head.extend(bytes(-len(head) % 8))
    return bytes(head) + body


@contextmanager
def service(
    folder: Path, *answers: Callable[[int], bytes], greeting: str = "OK 1"
) -> Iterator[str]:
    """Serves one connection: for each call that comes, what the next of ``answers`` makes of it."""
    path = str(folder / "bus")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            # Whoever calls may have hung up before we come to it.
            with listener.accept()[0] as line, suppress(ConnectionError):
                hello = line.recv(4096)
                while hello and not hello.endswith(b"BEGIN\r\n"):
                    hello += line.recv(4096)
                line.sendall(f"{greeting}\r\n".encode())
                for serial, make in enumerate(answers, 1):
                    if not line.recv(65536):
                        return
                    line.sendall(make(serial))
                while line.recv(65536):
                    pass  # says no more until the other end has hung up

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield path
        finally:
            thread.join(60)


def test_a_call_has_a_result(tmp_path: Path) -> None:
    with (
        service(tmp_path, lambda serial: answer(REPLY, serial, "so", "a", "/b")) as path,
        Bus(path, timeout=60, hello=False) as bus,
    ):
        assert bus.call(METHOD, "Get", "s", "x") == ("a", "/b")


def test_a_bus_is_greeted_first(tmp_path: Path) -> None:
    with (
        service(
            tmp_path,
            lambda serial: answer(REPLY, serial, "s", ":1.5"),
            lambda serial: answer(REPLY, serial, ""),
        ) as path,
        Bus(path, timeout=60, hello=True) as bus,
    ):
        assert bus.call(METHOD, "Nothing") == ()


def test_an_error_has_a_name(tmp_path: Path) -> None:
    with (
        service(tmp_path, lambda serial: answer(ERROR, serial, "s", "no", name="a.B")) as path,
        Bus(path, timeout=60, hello=False) as bus,
        pytest.raises(DBusError, match="no") as caught,
    ):
        bus.call(METHOD, "Get")
    assert caught.value.name == "a.B"


def test_a_signal_may_come_before_the_result(tmp_path: Path) -> None:
    def both(serial: int) -> bytes:
        others = answer(SIGNAL, 0, "u", 1, name="Done") + answer(SIGNAL, 0, "u", 5, name="Done")
        return others + answer(REPLY, serial, "u", 5)

    with service(tmp_path, both) as path, Bus(path, timeout=60, hello=False) as bus:
        assert bus.call(METHOD, "Start") == (5,)
        assert bus.wait_for("Done", lambda body: body == (5,)) == (5,)


@pytest.mark.parametrize("answers", [(), (lambda _: b"l",)])
def test_silence_ends(tmp_path: Path, answers: tuple[Callable[[int], bytes], ...]) -> None:
    with (
        service(tmp_path, *answers) as path,
        pytest.raises(UnavailableError, match="no answer in time"),
        Bus(path, timeout=0.3, hello=False) as bus,
    ):
        bus.call(METHOD, "Get")


def test_who_is_not_let_in(tmp_path: Path) -> None:
    with (
        service(tmp_path, greeting="REJECTED EXTERNAL") as path,
        pytest.raises(UnavailableError, match="does not know us: REJECTED"),
    ):
        Bus(path, timeout=60, hello=False)


def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="nobody answers at"):
        Bus(str(tmp_path / "none"), timeout=60, hello=True)


def test_a_message_names_where_it_goes() -> None:
    data = message(3, METHOD, "Get", "s", b"body")
    fields = dict(Reader(data).take("yyyyuua(yv)")[6])
    assert fields == {1: "/org/example", 2: "org.example.One", 3: "Get", 6: "org.example", 8: "s"}
    assert data.endswith(b"body")
    assert (len(data) - 4) % 8 == 0
