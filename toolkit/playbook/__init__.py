"""Room 'playbook': see CONTRIBUTING.md."""
