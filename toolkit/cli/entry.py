"""Where ``dockyard`` starts, kept apart from click so that a start can begin before it loads.

``dockyard run`` has a budget of milliseconds. Its launcher is forked first, so that it imports on
one processor what this process does not need, while this one reads the command line on another;
click and the command tree are left out.
"""

import gc
import os
import sys

from toolkit.core.loading import install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from toolkit.cli.verb import Verb

# Where the verb of a command stands: below toolkit.cli.containers, or below toolkit.cli for a
# path of two modules.
_VERBS = {
    "attach": "attaching.ATTACH",
    "build": "building.build.BUILD",
    "builder prune": "building.pruning.PRUNE",
    "commit": "building.committing.COMMIT",
    "container inspect": "inspecting.CONTAINER_INSPECT",
    "container prune": "systems.CONTAINER_PRUNE",
    "cp": "copying.CP",
    "create": "starting.CREATE",
    "diff": "building.committing.DIFF",
    "engine serve": "serving.SERVE",
    "events": "systems.EVENTS",
    "exec": "entering.EXEC",
    "export": "copying.EXPORT",
    "history": "images.listing.HISTORY",
    "image build": "building.build.BUILD",
    "image history": "images.listing.HISTORY",
    "image import": "images.archives.IMPORT",
    "image inspect": "images.listing.INSPECT",
    "image load": "images.archives.LOAD",
    "image ls": "images.listing.IMAGES",
    "image prune": "images.naming.PRUNE",
    "image pull": "images.pulling.PULL",
    "image push": "images.pulling.PUSH",
    "image rm": "images.naming.RMI",
    "image save": "images.archives.SAVE",
    "image tag": "images.naming.TAG",
    "images": "images.listing.IMAGES",
    "import": "images.archives.IMPORT",
    "info": "systems.INFO",
    "inspect": "inspecting.INSPECT",
    "kill": "ending.KILL",
    "load": "images.archives.LOAD",
    "login": "images.logins.LOGIN",
    "logout": "images.logins.LOGOUT",
    "logs": "looking.LOGS",
    "network connect": "connecting.CONNECT",
    "network create": "networking.NETWORK_CREATE",
    "network disconnect": "connecting.DISCONNECT",
    "network expose": "connecting.EXPOSE",
    "network inspect": "networking.NETWORK_INSPECT",
    "network link": "connecting.LINK",
    "network ls": "networking.NETWORK_LS",
    "network prune": "networking.NETWORK_PRUNE",
    "network reload": "networking.NETWORK_RELOAD",
    "network rm": "networking.NETWORK_RM",
    "nsenter": "entering.NSENTER",
    "pause": "changing.PAUSE",
    "port": "networking.PORT",
    "ps": "looking.PS",
    "pull": "images.pulling.PULL",
    "push": "images.pulling.PUSH",
    "rehearse": "rehearsing.REHEARSE",
    "rename": "changing.RENAME",
    "restart": "changing.RESTART",
    "rm": "ending.REMOVE",
    "rmi": "images.naming.RMI",
    "run": "starting.RUN",
    "save": "images.archives.SAVE",
    "start": "starting.START",
    "stats": "using.STATS",
    "stop": "ending.STOP",
    "system df": "systems.DF",
    "system prune": "systems.PRUNE",
    "tag": "images.naming.TAG",
    "top": "using.TOP",
    "unpause": "changing.UNPAUSE",
    "update": "changing.UPDATE",
    "version": "systems.VERSION",
    "volume create": "volumed.CREATE",
    "volume inspect": "volumed.INSPECT",
    "volume ls": "volumed.LS",
    "volume prune": "volumed.PRUNE",
    "volume rm": "volumed.RM",
    "wait": "ending.WAIT",
}
_LAUNCHING = ("run", "exec", "start", "restart")
_GROUPS = ("builder", "container", "engine", "image", "network", "system", "volume")
_OF_CONTAINER = (  # of which each may be said with "container" before it
    *("attach", "commit", "cp", "create", "diff", "exec", "export", "kill", "logs", "pause"),
    *("port", "rename", "restart", "rm", "run", "start", "stats", "stop", "top", "unpause"),
    *("update", "wait"),
)
_SAME = {
    **{f"container {name}": name for name in _OF_CONTAINER},
    **{f"container {name}": "ps" for name in ("list", "ls", "ps")},
    "builder build": "build",
    "container remove": "rm",
    "system events": "events",
    "system info": "info",
    "volume list": "volume ls",
    "volume remove": "volume rm",
}
_WIRING = ("run",)
_WIRELESS = ("none", "host")


def main() -> None:
    """What the script ``dockyard`` calls."""
    name, *rest = sys.argv[1:] or [""]
    if name == "oci":
        from toolkit.cli.oci.entry import begin  # noqa: PLC0415 - another command line

        begin(rest)
    if name in _GROUPS and rest:
        name = f"{name} {rest.pop(0)}"
        name = _SAME.get(name, name)
    if name in _VERBS and not _wants_help(rest):
        leave(quick(name, rest))
    if sys.flags.no_site:
        import site  # noqa: PLC0415 - 3 ms that a container's start is spared (see cli/scripts)

        site.main()
    from toolkit.cli.main import run  # noqa: PLC0415 - click costs 27 ms; entry stays bare

    run()


def quick(name: str, argv: "Sequence[str]") -> int:
    """Do a container command without click; its exit status."""
    gc.disable()  # it would run over what is imported, which stays
    install()
    if name in _LAUNCHING:
        from toolkit.runtime.spawn import spawn_early  # noqa: PLC0415 - the first thing of a start

        spawn_early(nurseries=int(name in _WIRING and _is_kept(argv)))
        if name in _WIRING and _is_wired(argv):
            from toolkit.net.helper import start_early  # noqa: PLC0415 - it imports for long, too

            start_early()
    from toolkit.cli.verb import perform  # noqa: PLC0415 - while the launcher imports

    return perform(verb_of(name), argv)


def verb_of(name: str) -> "Verb":
    """The verb of a command, imported now."""
    module, _, constant = _VERBS[name].rpartition(".")
    below = "toolkit.cli" if "." in module else "toolkit.cli.containers"
    __import__(f"{below}.{module}")  # importlib would come with warnings
    verb: Verb = getattr(sys.modules[f"{below}.{module}"], constant)
    return verb


def same_names(group: str) -> dict[str, str]:
    """The commands of a group, each with the name that its verb has here."""
    own = {name: name for name in _VERBS if name.startswith(f"{group} ")}
    return {
        name.partition(" ")[2]: same
        for name, same in sorted({**_SAME, **own}.items())
        if name.startswith(f"{group} ")
    }


def _is_kept(argv: "Sequence[str]") -> bool:
    """Whether the launcher keeps the container itself; a guess, as below."""
    return "--rm" in argv and "-d" not in argv and "--detach" not in argv


def _is_wired(argv: "Sequence[str]") -> bool:
    """Whether a bridge is asked for; a guess, which costs a process where it is wrong."""
    for place, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name in ("--network", "--net"):
            value = value if equals else "".join(argv[place + 1 : place + 2])
            break
    else:
        value = os.environ.get("DOCKYARD_NETWORK", "")
    return value not in _WIRELESS and not value.startswith("container:")


def leave(status: int) -> "NoReturn":
    """End at once: tearing the interpreter down costs milliseconds and frees nothing of worth."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _wants_help(argv: "Sequence[str]") -> bool:
    """Whether ``--help`` comes before the first argument that is no flag."""
    for word in argv:
        if word == "--help":
            return True
        if word == "--" or not word.startswith("-"):
            return False
    return False


if __name__ == "__main__":
    main()
