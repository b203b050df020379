"""Images: from a reference to directories that an overlay can stand on.

``ImageStore.resolve`` is the way in. A layer is unpacked once, by a process that is confined to the
layer's directory, and becomes visible by one rename. Nothing in an archive is believed: names,
sizes, digests and counts are checked while it is read. An image that is ready costs a few
``stat`` calls, so everything that only unpacking needs is imported only then.

Knows nothing of containers, names of containers, or how a root is mounted.
"""
