"""Room 'conformance': see CONTRIBUTING.md."""
