"""Links to an agent: a child on a pipe, or a host's agent over SSH; the only home of ``fabric``.

It knows how to reach a host, how to prove that it is the right one and how to start the agent
there. It must never know what is asked of the agent: methods and their answers belong to the
rooms above. Nothing here imports ``fabric`` before a connection is made: a local run needs none.
"""
