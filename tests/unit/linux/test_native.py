"""Our names for the C half of ctypes do what ctypes does."""

import errno
import os

import pytest

from toolkit.linux.native import ctypes

real = pytest.importorskip("ctypes")


def test_a_function_is_found_once_and_reports_its_errno() -> None:
    library = ctypes.CDLL(None, use_errno=True)
    assert library.getpid() == os.getpid()
    assert library.getpid is library.getpid
    assert library.close(-1) == -1
    assert ctypes.get_errno() == errno.EBADF


def test_an_unknown_function_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        _ = ctypes.CDLL(None).no_such_function_anywhere


NAMES = "c_char c_char_p c_void_p c_int c_long c_ulong c_size_t c_ushort c_uint32 c_uint64"


@pytest.mark.parametrize("name", NAMES.split())
def test_sizes_are_those_of_the_module(name: str) -> None:
    assert ctypes.sizeof(getattr(ctypes, name)) == real.sizeof(getattr(real, name))


def test_buffers() -> None:
    made = ctypes.create_string_buffer(b"ab")
    assert made.raw == b"ab\0"
    assert ctypes.create_string_buffer(b"ab", 4).raw == b"ab\0\0"
    assert ctypes.create_string_buffer(3).raw == b"\0\0\0"


def test_a_structure_is_laid_out_as_c_does() -> None:
    class Pair(ctypes.Structure):
        _fields_ = (("small", ctypes.c_ushort), ("text", ctypes.c_char_p))

    pair = Pair(7, b"seven")
    assert ctypes.sizeof(pair) == 16
    assert (pair.small, pair.text) == (7, b"seven")
