"""Building images: from a Dockerfile and a context to an image in the store.

``reading``, ``words`` and ``parsing`` turn text into instructions and know nothing else;
``planning`` finds the stages that are needed; ``build`` runs them. A step that changes files does
so on an overlay of its own, whose upper layer then *is* the image's next layer: ``RUN`` in a
container of the engine, ``COPY`` and ``ADD`` in a process that is confined to the stage's root. The
key of a step is the image before it, its words and the digests of what it copies.

``build`` is the way in: a plain function with a callback for events. Knows nothing of the command
line or of Docker's API; must never write outside the data root, nor run anything of an image
outside a container.
"""
