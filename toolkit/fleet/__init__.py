"""Room 'fleet': see CONTRIBUTING.md."""
