"""Control groups v1, v2 and hybrid behind one interface: limits, statistics, freezing, killing.

``layout`` finds out from two files of procfs what the machine has, ``group`` makes and removes the
groups of one container, one file a controller turns ``Limits`` into what is to be written. The room
must never know what runs in a group, and touches no group but those it made.
"""
