"""Links, addresses and routes of the kernel; the only home of ``pyroute2``.

Callers see this room's own dataclasses and ``ToolkitError``, never a netlink message. pyroute2
costs 200 ms to import and its synchronous sockets cannot run inside an event loop, so it is
imported when a link is changed, and never to read what ``/sys`` and ``/proc`` tell.
"""
