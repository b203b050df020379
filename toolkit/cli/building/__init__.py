"""``build``, ``commit`` and ``diff``: what makes images of files and containers."""
