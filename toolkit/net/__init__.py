"""Room 'net': see CONTRIBUTING.md."""
