"""Dockyard: provision container hosts and prove that they isolate.

The rooms and their floors are drawn in CONTRIBUTING.md; an import goes down only.
This module knows nothing, so that importing any room costs no more than that room.
"""
