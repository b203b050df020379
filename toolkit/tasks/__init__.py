"""Room 'tasks': see CONTRIBUTING.md."""
