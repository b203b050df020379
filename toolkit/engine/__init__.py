"""Many containers on one machine: names, states, logs, and what is left when something is killed.

Knows neither argv nor the environment and prints nothing, so the command line, the agent and the
checks use the same five lines::

    with Engine(Settings(), Launcher.spawn, ImageStore("/var/lib/dockyard").resolve) as engine:
        config = ContainerConfig(image="host", command=("true",), auto_remove=True)
        with engine.run(config, (0, 1, 2)) as running:
            status = running.wait()

(``toolkit.engine.engine``, ``.settings``, ``.config``; ``toolkit.runtime.client``;
``toolkit.images``.) Whether a container runs is always the kernel's answer, never a stored one;
``state.db`` keeps what was promised, and each command first finishes or undoes what a killed one
left (``watch``). Restart policies and health checks are carried out by a process of their own,
which lives as long as a container needs it (``minder``).
"""
