"""Room 'cli': see CONTRIBUTING.md."""
