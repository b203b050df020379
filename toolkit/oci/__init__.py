"""The documents of the Open Container Initiative as values: what a container is, what an image is.

``spec`` is the runtime specification's ``config.json``, ``image``, ``digest`` and ``reference``
are the image and distribution specifications. Pure data and text: this room opens no file, makes
no container and knows nothing of cgroups or networks. ``spec`` and ``decode`` are on the path of
a container's start and import next to nothing.
"""
