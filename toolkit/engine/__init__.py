"""Room 'engine': see CONTRIBUTING.md."""
