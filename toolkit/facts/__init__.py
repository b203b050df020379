"""Room 'facts': see CONTRIBUTING.md."""
