"""One container: started, entered, signalled, waited for and cleaned up after.

``client`` is what other rooms import: it starts a **launcher** (or connects to one) and talks to
the **shim** of a container. ``launcher`` is the shim itself where nothing has to be carried to and
fro (``keeping``), or forks one (``worker``). ``shim`` makes the cgroup and forks the ``init`` into
new namespaces, or has it forked by the launcher's ``nursery``; ``init`` builds the root file system
and becomes the container's process. ``entering`` joins one that runs; ``becoming`` is what both do
last. ``request`` holds what is asked of a launcher, ``states`` what is on disk.

This room knows one container and nothing of names, images, networks or engines: paths, ids and
limits come in a request. It runs before ``pivot_root`` and on a budget of milliseconds, so it
imports neither ``typing`` nor ``dataclasses`` nor ``socket`` (see ``toolkit.core.record``).
"""
