"""The C half of ``ctypes``, with the few names of it that this room uses.

The module itself takes 3 ms to import, of which half prepares for other systems and for ``Union``,
callbacks and byte orders. ``from toolkit.linux.native import ctypes`` gives type checkers the real
one; at run time the name holds what stands below.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
else:
    import _ctypes

    class _Char(_ctypes._SimpleCData):
        _type_ = "c"

    class _CharPointer(_ctypes._SimpleCData):
        _type_ = "z"

    class _Int(_ctypes._SimpleCData):
        _type_ = "i"

    class _Long(_ctypes._SimpleCData):
        _type_ = "l"

    class _Uint16(_ctypes._SimpleCData):
        _type_ = "H"

    class _Uint32(_ctypes._SimpleCData):
        _type_ = "I"

    class _Uint64(_ctypes._SimpleCData):
        _type_ = "Q"

    class _Ulong(_ctypes._SimpleCData):
        _type_ = "L"

    class _Pointer(_ctypes._SimpleCData):
        _type_ = "P"

    class _Library:
        """The functions of a shared library, by name; ``None`` is what this process has loaded."""

        _flags = _ctypes.FUNCFLAG_CDECL

        def __init__(self, name: "str | None", *, use_errno: bool = False) -> None:
            flags = self._flags | (_ctypes.FUNCFLAG_USE_ERRNO if use_errno else 0)
            self._handle = _ctypes.dlopen(name, _ctypes.RTLD_LOCAL)
            base = (_ctypes.CFuncPtr,)
            self._kind = type("Function", base, {"_flags_": flags, "_restype_": _Int})

        def __getattr__(self, name: str) -> "_ctypes.CFuncPtr":
            if name.startswith("__"):
                raise AttributeError(name)
            function = self._kind((name, self))
            setattr(self, name, function)
            return function

    class _LockedLibrary(_Library):
        """One whose functions run under the interpreter's lock."""

        _flags = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_PYTHONAPI

    def _buffer(content: "bytes | int", size: int = 0) -> "_ctypes.Array":
        """Writable memory of that size, or with these bytes and a zero byte."""
        if isinstance(content, int):
            return (_Char * content)()
        made = (_Char * (size or len(content) + 1))()
        made.value = content
        return made

    class ctypes:  # noqa: N801 - it stands for the module
        """The names that are used."""

        CDLL, PyDLL = _Library, _LockedLibrary
        Structure = _ctypes.Structure
        c_char, c_char_p, c_void_p = _Char, _CharPointer, _Pointer
        c_int, c_long, c_ulong, c_size_t = _Int, _Long, _Ulong, _Ulong
        c_ushort, c_uint32, c_uint64 = _Uint16, _Uint32, _Uint64
        addressof, byref, sizeof = _ctypes.addressof, _ctypes.byref, _ctypes.sizeof
        get_errno, set_errno = _ctypes.get_errno, _ctypes.set_errno
        create_string_buffer = staticmethod(_buffer)
        pythonapi = _LockedLibrary(None)


__all__ = ["ctypes"]
