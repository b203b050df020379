"""Area F: limits, and the way out through cgroup files."""
