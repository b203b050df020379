"""Room 'cgroup': see CONTRIBUTING.md."""
