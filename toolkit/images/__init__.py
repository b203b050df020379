"""Room 'images': see CONTRIBUTING.md."""
