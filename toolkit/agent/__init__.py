"""Room 'agent': see CONTRIBUTING.md."""
