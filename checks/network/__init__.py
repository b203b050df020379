"""Areas I and K: what a container's network stack holds, and what its bridges listen to."""
