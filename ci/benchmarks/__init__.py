"""Benchmarks against the peers: one file a group, each with ``rows(folder) -> Iterator[Row]``."""
