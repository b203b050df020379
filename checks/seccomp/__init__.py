"""Area C: the system call filter."""
