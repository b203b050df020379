"""Room 'oci': see CONTRIBUTING.md."""
