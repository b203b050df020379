"""The flags of ``run`` and ``create`` that few containers need; read by ``morevalues``."""

from toolkit.cli.verb import Flag


def _many(name: str, metavar: str, text: str) -> Flag:
    return Flag(names=(name,), metavar=metavar, many=True, help=text)


def _one(name: str, metavar: str, text: str) -> Flag:
    return Flag(names=(name,), metavar=metavar, help=text)


MORE = (
    _many("--mount", "type=TYPE,…", "Mount a volume, a directory of the host, or memory"),
    _many("--volumes-from", "CONTAINER[:ro]", "Have the volumes of another container"),
    _one("--restart", "POLICY", "When to start it again: always, unless-stopped, on-failure[:N]"),
    Flag(names=("--init",), help="Put a first process before it that reaps and hands on signals"),
    _one("--health-cmd", "COMMAND", "How to tell whether it is well"),
    _one("--health-interval", "TIME", "How often to look (30s)"),
    _one("--health-timeout", "TIME", "How long a look may take (30s)"),
    _one("--health-start-period", "TIME", "How long failures do not count at first (0s)"),
    _one("--health-start-interval", "TIME", "How often to look at first (5s)"),
    _one("--health-retries", "NUMBER", "How many failures make it unhealthy (3)"),
    Flag(names=("--no-healthcheck",), help="Do without the image's check"),
    _one("--log-driver", "json-file|none|journald", "Where what it says goes"),
    _many("--log-opt", "NAME=VALUE", "How: max-size=10m, max-file=3; tag=TEMPLATE for journald"),
    _many("--ulimit", "NAME=SOFT[:HARD]", "Limit its processes, as in nofile=1024"),
    _many("--device", "HOST[:CONTAINER][:rwm]", "Give it a device of the host"),
    _many("--device-cgroup-rule", "RULE", "Allow devices, as in 'c 10:200 rwm'"),
    _many("--device-read-bps", "DEVICE:RATE", "Limit bytes read a second"),
    _many("--device-write-bps", "DEVICE:RATE", "Limit bytes written a second"),
    _many("--device-read-iops", "DEVICE:RATE", "Limit reads a second"),
    _many("--device-write-iops", "DEVICE:RATE", "Limit writes a second"),
    _one("--blkio-weight", "NUMBER", "Weigh its access to disks, 10 to 1000"),
    _many("--sysctl", "NAME=VALUE", "Set a kernel parameter of its own namespaces"),
    _many("--group-add", "GROUP", "Be in this group as well"),
    _one("--shm-size", "SIZE", "How large /dev/shm is (64m)"),
    _one("--domainname", "NAME", "Name the domain inside"),
    _one("--uts", "host", "Share the host's name"),
    _one("--userns", "host", "Share the host's users"),
    _one("--cgroupns", "private|host", "See cgroups from its own, or from the host's root"),
    Flag(names=("--oom-kill-disable",), help="Let it wait when memory runs out"),
    _one("--oom-score-adj", "NUMBER", "How readily it is killed when memory runs out"),
    _one("--memory-reservation", "SIZE", "What to cut memory down to when it is short"),
    _one("--memory-swappiness", "NUMBER", "How readily its memory is swapped, 0 to 100"),
    _one("--cpu-quota", "MICROSECONDS", "Processor time in a period"),
    _one("--cpu-period", "MICROSECONDS", "How long a period is (100000)"),
    _one("--cpuset-mems", "LIST", "Use memory of these nodes, as in 0-1"),
    _many("--annotation", "NAME=VALUE", "Note something in the runtime's specification"),
    _many("--label-file", "FILE", "Read labels from a file"),
    _one("--cidfile", "FILE", "Write the id to a file, which must not exist"),
)
NAMES = frozenset(flag.key for flag in MORE)
