"""The kernel's interface: one function a system call, typed flags in, a value or ``OSError`` out.

The only home of ``ctypes``. It takes no decision, logs nothing and knows no container: ``runtime``,
``cgroup`` and ``images`` put calls together. Every failure is ``OSError(errno, "call: text",
path)``. The room is on the path of a container's start, so it imports little: ``ctypes``, ``os``,
``enum``, ``fcntl``.
"""
