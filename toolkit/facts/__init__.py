"""What a machine is, read and never changed: one file a subject, one probe for tasks and checks.

A probe takes a ``Machine``, a small protocol owned here, so it reads a real machine, a planned
one and a recorded one alike. It must never write, and never know who asks.
"""
