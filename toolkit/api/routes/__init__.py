"""The endpoints by subject: each file translates and ends in a table of routes."""
