"""What every room needs: errors, records, decoding, events, the wire, processes and files.

Lives at the bottom, so it knows no other room; beside ``cattrs`` in ``decode`` it uses the
standard library only. ``errors``, ``record`` and ``suggest`` are on the path of a container's
start and therefore import next to nothing.
"""
