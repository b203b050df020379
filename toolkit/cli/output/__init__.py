"""How runs look: plain lines, colours on a terminal, JSON for programs.

Each sink takes the same events. Nothing here decides anything, and nothing else in ``cli`` knows
how an event looks.
"""
