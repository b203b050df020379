"""How containers are started under each runtime, through a host's link and nothing else.

``open_driver("oci:/usr/sbin/runc", machine, …)``. To add a runtime, write ``drivers/<name>.py``
with a class that is a ``Driver`` and name it in ``KINDS``.
"""
