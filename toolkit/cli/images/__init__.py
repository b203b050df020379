"""Image commands: parse, one call, render; with Docker's flags, columns and words."""
