"""Room 'inventory': see CONTRIBUTING.md."""
