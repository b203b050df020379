"""Area B: capabilities, ids and what they let a process do."""
