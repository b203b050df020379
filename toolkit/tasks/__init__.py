"""Declared states of a host and the changes that lead to them: one file a task.

A task is frozen arguments and one question, ``plan(host)``, that reads and yields changes. It
never applies them and never knows whether they will be: the runner does, on a real host or on a
planned one. It knows its machine only as the ``Host`` protocol. Importing a task must stay cheap
and harmless on the controller, which decodes arguments without having a host.
"""
