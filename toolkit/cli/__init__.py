"""The only room that prints, exits and reads argv and the environment.

A command is one file in ``commands``: parse, one call, render. Nothing below knows that a
terminal exists.
"""
