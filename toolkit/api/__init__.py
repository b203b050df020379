"""Docker's Engine API on a socket, so that the real ``docker`` and its SDKs drive this engine.

One event loop translates: it reads a request, asks the engine in a thread of the pool, and writes
the answer. It never forks, never enters a namespace and never waits for a container: the launcher
starts them, each container's shim writes its log and its exit status, so this process may be
killed at any moment and the next one finds everything again. State is what ``state.db`` and the
kernel say; what is kept in memory is a cache or belongs to a connection that dies with us.

Must never know: argv, the environment, click. The only home of aiohttp.
"""
