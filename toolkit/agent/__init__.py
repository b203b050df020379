"""The agent: this package on a host, serving plays, checks and containers on a pipe.

It knows the rooms that work beside the kernel and hands each the real host. It must never know
who asks or over what: a link is a pair of streams. Nothing here prints; stdout is the wire.
"""
