"""Area A: every kind of namespace is the container's own."""
