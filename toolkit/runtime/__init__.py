"""Room 'runtime': see CONTRIBUTING.md."""
