"""Room 'ssh': see CONTRIBUTING.md."""
