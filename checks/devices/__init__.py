"""Area E: what is in /dev, and what could be put there."""
