"""Room 'linux': see CONTRIBUTING.md."""
