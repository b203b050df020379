"""The flags, as data: what is built, and what is known but refused with one sentence."""

from toolkit.cli.verb import Flag

GLOBAL = (
    Flag(names=("--root",), metavar="DIR", help="Where states are kept (/run/dockyard/oci)"),
    Flag(names=("--log",), metavar="FILE", help="Write failures into this file too"),
    Flag(names=("--log-format",), metavar="FORMAT", help="text or json"),
    Flag(names=("--debug",), help="Taken, and changes nothing: there is nothing more to tell"),
    Flag(names=("--cgroup-manager",), metavar="NAME", help="cgroupfs or systemd"),
    Flag(names=("--systemd-cgroup",), help="The same as --cgroup-manager systemd"),
    Flag(names=("--rootless",), metavar="WHETHER", help="false or auto"),
    Flag(names=("-v", "--version"), help="Print the version"),
    Flag(names=("-h", "--help"), help="Print this"),
)
PID_FILE = Flag(names=("--pid-file",), metavar="FILE", help="Write the process's pid there")
CONSOLE = Flag(
    names=("--console-socket",), metavar="SOCKET", help="Send the terminal's master there"
)
PRESERVE = Flag(
    names=("--preserve-fds",), metavar="N", help="Hand N descriptors on, from 3 upwards"
)
HELP = Flag(names=("-h", "--help"), help="Print this")
BUNDLE = Flag(names=("-b", "--bundle"), metavar="DIR", help="The bundle (the current directory)")
CREATING = (
    BUNDLE,
    PID_FILE,
    CONSOLE,
    PRESERVE,
    Flag(names=("--no-pivot",), help="Cover the host's root instead of leaving it"),
    Flag(names=("--no-new-keyring",), help="Share the caller's session keyring"),
    HELP,
)
RUNNING = (
    *CREATING,
    Flag(names=("-d", "--detach"), help="Return when the program runs"),
    Flag(names=("--keep",), help="Leave a container that has ended to 'delete'"),
    Flag(names=("--no-subreaper",), help="Taken: nothing here takes orphans in"),
)
EXECUTING = (
    Flag(names=("-p", "--process"), metavar="FILE", help="The process as JSON"),
    Flag(names=("-t", "--tty"), help="Give it a terminal"),
    Flag(names=("--cwd",), metavar="DIR", help="Its working directory"),
    Flag(names=("-e", "--env"), metavar="NAME=VALUE", many=True, help="Add to its environment"),
    Flag(names=("-u", "--user"), metavar="UID[:GID]", help="Who it is"),
    Flag(names=("-g", "--additional-gids"), metavar="GID", many=True, help="Add a group by its id"),
    Flag(names=("-c", "--cap"), metavar="NAME", many=True, help="Add a capability"),
    Flag(names=("--no-new-privs",), help="Let it gain no privileges"),
    Flag(names=("-d", "--detach"), help="Return when the program runs"),
    PID_FILE,
    CONSOLE,
    PRESERVE,
    Flag(names=("--apparmor",), metavar="PROFILE", help="Confine it by another profile"),
    Flag(names=("--process-label",), metavar="LABEL", help="Give it another SELinux label"),
    Flag(names=("--cgroup",), metavar="[NAMES:]PATH", help="Put it into a group below"),
    Flag(names=("--ignore-paused",), help="Wait in a paused container rather than fail"),
    HELP,
)
FORMAT = Flag(names=("-f", "--format"), metavar="FORMAT", help="table or json")
LISTING = (FORMAT, Flag(names=("-q", "--quiet"), help="Ids only"), HELP)
WATCHING = (
    Flag(names=("--stats",), help="Print statistics once"),
    Flag(names=("--interval",), metavar="TIME", help="Between two statistics (5s)"),
    HELP,
)
KILLING = (Flag(names=("-a", "--all"), help="Signal every process of the container"), HELP)
DELETING = (Flag(names=("-f", "--force"), help="Kill it first if it runs"), HELP)
UPDATING = (
    Flag(names=("-r", "--resources"), metavar="FILE", help="linux.resources as JSON; - is stdin"),
    Flag(names=("--memory",), metavar="BYTES", help="Memory"),
    Flag(names=("--memory-reservation",), metavar="BYTES", help="Soft limit of memory"),
    Flag(names=("--memory-swap",), metavar="BYTES", help="Memory and swap together"),
    Flag(names=("--cpu-quota",), metavar="US", help="CPU time in a period"),
    Flag(names=("--cpu-period",), metavar="US", help="The period"),
    Flag(names=("--cpu-share",), metavar="N", help="Relative weight"),
    Flag(names=("--cpu-burst",), metavar="US", help="CPU time that may be saved up"),
    Flag(names=("--cpu-idle",), metavar="0|1", help="Run only where nobody else wants to"),
    Flag(names=("--cpu-rt-period",), metavar="US", help="The period of real-time processes"),
    Flag(names=("--cpu-rt-runtime",), metavar="US", help="Their CPU time in it"),
    Flag(names=("--blkio-weight",), metavar="N", help="Relative weight of I/O, 10 to 1000"),
    Flag(names=("--cpuset-cpus",), metavar="LIST", help="CPUs"),
    Flag(names=("--cpuset-mems",), metavar="LIST", help="Memory nodes"),
    Flag(names=("--pids-limit",), metavar="N", help="Processes"),
    HELP,
)
