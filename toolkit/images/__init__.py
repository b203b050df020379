"""Images: from a reference to directories that an overlay can stand on.

``ImageStore.resolve`` makes an image ready to run; ``Library`` finds, lists, names, makes and
removes those that are kept below the data root, in an OCI layout that other tools read too, with
their names and who uses what in ``state.db``. A layer is unpacked once, by a process that is
confined to the layer's directory, and becomes visible by one rename. Nothing in an archive is
believed: names, sizes, digests and counts are checked while it is read. An image that is ready
costs a few ``stat`` calls, so everything that only unpacking needs is imported only then.

Knows nothing of containers but their ids, nor of how a root is mounted.
"""
