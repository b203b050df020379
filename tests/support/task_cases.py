"""One example of every task: the meta-test demands a case for each, and walks them all."""

import io
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from support.fake_host import FakeHost, completed
from toolkit.tasks.git_changes import program
from toolkit.tasks.host import HttpResponse


def nothing(host: FakeHost) -> None:
    """The host is fine as it is."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """``arguments`` that change a host which ``prepare`` made ready.

    ``undone`` says whether the change can be taken back at all.
    """

    task: str
    arguments: dict[str, Any]
    prepare: Callable[[FakeHost], None] = nothing
    name: str = field(default="")
    undone: bool = True

    def host(self) -> FakeHost:
        host = FakeHost()
        self.prepare(host)
        return host

    def __str__(self) -> str:
        return f"{self.task}{'-' if self.name else ''}{self.name}"


def networkd(host: FakeHost) -> None:
    host.files.seed("/usr/lib/systemd/system/systemd-networkd.service", "[Install]\n")
    host.services.seed("systemd-networkd.service")
    host.kernel.seed_sysctl("net.ipv6.conf.default.accept_ra", "1")


def ifupdown(host: FakeHost) -> None:
    host.files.seed("/usr/sbin/ifup", mode=0o755)
    host.files.seed("/etc/network/interfaces", "auto lo\niface lo inet loopback\n")


def with_bridge(host: FakeHost) -> None:
    networkd(host)
    host.net.create_bridge("br0")
    host.net.add_address("br0", "10.0.0.1/24")
    host.net.set_up("br0")
    host.net.set_mtu("br0", 1400)
    host.net.set_stp("br0", on=True)
    host.files.seed("/etc/systemd/network/30-br0.netdev", "[NetDev]\n")


def forwarding(host: FakeHost) -> None:
    host.kernel.seed_sysctl("net.ipv4.ip_forward", "0")
    host.files.seed("/etc/sysctl.conf", "# mine\nnet.ipv4.ip_forward=0\nvm.swappiness=1\n")


def modules(host: FakeHost) -> None:
    host.files.seed("/proc/modules")
    host.files.seed("/proc/filesystems", "nodev\tproc\n\text4\n")


def loaded(host: FakeHost) -> None:
    modules(host)
    host.kernel.load_module("overlay", "")
    host.files.seed("/etc/modules", "overlay\nloop\n")
    host.files.seed("/etc/modprobe.d/overlay.conf", "options overlay metacopy=on\n")


def packages(host: FakeHost) -> None:
    host.packages.versions = {"curl": "7.88", "libc6": "2.36"}
    host.packages.available = {"jq": "1.6", "curl": "7.88", "nginx": "1.22"}
    host.packages.depends = {"jq": ("libjq1",)}
    host.packages.age = 7200


def units(host: FakeHost) -> None:
    host.services.seed("cron.service", enabled="disabled", active="inactive")
    host.services.seed("ssh.service", enabled="enabled", active="active")


def tree(host: FakeHost) -> None:
    host.files.seed("/srv/data/a", b"\x00\xff", 0o600)
    host.files.seed("/srv/data/deep/b", "text\n")
    host.files.seed("/srv/motd", "hello\n")
    host.files.symlink("/srv/data/link", "a")


def artifacts(host: FakeHost) -> None:
    tree(host)
    host.artifacts["sha256:1"] = b"from the play\n"


def settings(host: FakeHost) -> None:
    host.files.seed("/etc/app.conf", "# head\nport = 80\nuser web\n# tail", 0o640)
    host.files.seed("/etc/app.ini", "top=1\n[web]\nport = 80\n#host = a\n\n[db]\nport=1\n")


def services(host: FakeHost) -> None:
    listed = ("--no-pager", "--no-legend", "--plain", "--all", "--type", "service")
    for verb in ("list-unit-files", "list-units"):
        argv = ("systemctl", verb, *listed)
        host.programs[argv] = completed(argv, "cron.service enabled enabled\n")


def accounts(host: FakeHost) -> None:
    argv = ("getent", "passwd", "web")
    host.programs[argv] = completed(argv, "web:x:33:33::/:/bin/sh\n")


def people(host: FakeHost) -> None:
    host.files.seed("/etc/shadow", "root:*:19000:0:99999:7:::\nweb:!:19000:0:99999:7:::\n", 0o640)
    host.files.seed("/etc/group", "root:x:0:\nadm:x:4:root\nsudo:x:27:web\nweb:x:33:\n")
    host.files.seed_directory("/home")


def old_group(host: FakeHost) -> None:
    people(host)
    host.files.seed("/etc/group", host.files.read("/etc/group") + b"old:x:50:web\n")


def outdated(host: FakeHost) -> None:
    packages(host)
    host.packages.available["curl"] = "7.99"
    host.packages.unneeded = ("libc6",)


def named(host: FakeHost) -> None:
    host.kernel.seed_sysctl("kernel.hostname", "old")
    host.files.seed("/etc/hostname", "old\n")


def server(host: FakeHost) -> None:
    page = HttpResponse(status=200, reason="OK", body=b"page\n", url="http://web/page")
    host.web["GET", "http://web/page"] = page
    host.web["POST", "http://web/page"] = page


def fragments(host: FakeHost) -> None:
    host.files.seed("/srv/parts/10-a", "a\n")
    host.files.seed("/srv/parts/20-b", "b")


def script(host: FakeHost) -> None:
    host.artifacts["sha256:1"] = b"#!/bin/sh\n"


def archive(host: FakeHost) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as made:
        for name, data in (("app/bin/run", b"run"), ("app/conf", b"x=1\n")):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            made.addfile(entry, io.BytesIO(data))
        link = tarfile.TarInfo("app/current")
        link.type, link.linkname = tarfile.SYMTYPE, "bin/run"
        made.addfile(link)
    host.artifacts["sha256:1"] = held.getvalue()


def crontabs(host: FakeHost) -> None:
    host.files.seed("/var/spool/cron/crontabs/root", "# mine\n0 1 * * * true\n", 0o600)
    host.files.seed_directory("/etc/cron.d")


def sources(host: FakeHost) -> None:
    host.files.seed("/etc/apt/sources.list", "deb http://deb.example.org stable main\n")
    host.files.seed("/etc/apt/sources.list.d/x.list", "deb http://x.example.org stable main\n")
    host.files.seed("/etc/apt/sources.list.d/x.sources", "Types: deb\n")


def mounts(host: FakeHost) -> None:
    host.files.seed("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\ntmpfs /srv tmpfs rw 0 0\n")
    host.files.seed(
        "/etc/fstab", "# table\n/dev/sda1 / ext4 defaults 0 1\ntmpfs /srv tmpfs rw 0 0\n"
    )


def engine(host: FakeHost) -> None:
    people(host)
    host.files.seed("/usr/local/bin/dockyard", mode=0o755)
    for name in ("dockyard.socket", "dockyard.service"):
        host.services.seed(name)


def serving(host: FakeHost) -> None:
    engine(host)
    for name in ("dockyard.socket", "dockyard.service"):
        host.files.seed(f"/etc/systemd/system/{name}", "[Unit]\n")
        host.services.seed(name, enabled="enabled", active="active")


def repository(host: FakeHost) -> None:
    argv = program("git", "ssh -o BatchMode=yes", "ls-remote", "--", "https://g/app")
    host.programs[argv] = completed(argv, f"{'a' * 40}\tHEAD\n{'a' * 40}\trefs/heads/main\n")

    look = ("-C", "/srv/app", "status", "--porcelain", "--untracked-files=no")
    argv = program("git", "ssh -o BatchMode=yes", *look)
    host.programs[argv] = completed(argv)

    def effect(argv: tuple[str, ...]) -> None:
        if "reset" in argv:
            host.files.seed("/srv/app/.git/HEAD", f"{argv[-1]}\n")

    host.effects.append(effect)


CASES = (
    Case(
        task="git",
        arguments={"repo": "https://g/app", "dest": "/srv/app", "version": "main"},
        prepare=repository,
        undone=False,
    ),
    Case(task="engine", arguments={}, prepare=engine),
    Case(task="engine", name="absent", arguments={"state": "absent"}, prepare=serving),
    Case(
        task="apt_repository",
        arguments={"repo": "deb http://new.example.org stable main", "update_cache": False},
        prepare=sources,
    ),
    Case(
        task="apt_repository",
        name="absent",
        arguments={
            "repo": "deb http://x.example.org stable main",
            "state": "absent",
            "update_cache": False,
        },
        prepare=sources,
    ),
    Case(
        task="cron",
        arguments={"name": "backup", "job": "/usr/local/bin/backup", "hour": 4, "minute": 30},
        prepare=crontabs,
    ),
    Case(
        task="cron",
        name="file",
        arguments={"name": "daily", "job": "x", "special_time": "daily", "cron_file": "mine"},
        prepare=crontabs,
    ),
    Case(
        task="deb822_repository",
        arguments={"name": "docker", "uris": "https://d.example.org", "suites": "stable"},
        prepare=sources,
    ),
    Case(
        task="deb822_repository",
        name="absent",
        arguments={"name": "x", "state": "absent"},
        prepare=sources,
    ),
    Case(
        task="mount",
        arguments={
            "path": "/mnt/data",
            "src": "/dev/sdb1",
            "fstype": "ext4",
            "opts": "noatime",
            "state": "mounted",
        },
        prepare=mounts,
    ),
    Case(
        task="mount", name="absent", arguments={"path": "/srv", "state": "absent"}, prepare=mounts
    ),
    Case(task="wait_for", arguments={"path": "/etc/passwd"}),
    Case(
        task="assemble",
        arguments={"src": "/srv/parts", "dest": "/etc/whole", "remote_src": True},
        prepare=fragments,
    ),
    Case(task="raw", arguments={"_raw_params": "apt-get install -y python3"}),
    Case(task="script", arguments={"cmd": "sha256:1#setup.sh one"}, prepare=script),
    Case(
        task="unarchive",
        arguments={"src": "sha256:1#app.tar.gz", "dest": "/srv", "owner": "web"},
        prepare=archive,
    ),
    Case(
        task="get_url",
        arguments={"url": "http://web/page", "dest": "/srv/", "mode": "0600"},
        prepare=server,
    ),
    Case(task="apt", arguments={"name": "jq", "install_recommends": False}, prepare=packages),
    Case(
        task="apt",
        name="upgrade",
        arguments={"upgrade": "dist", "autoremove": True, "update_cache": True},
        prepare=outdated,
        undone=False,
    ),
    Case(task="hostname", arguments={"name": "web1.example.org"}, prepare=named),
    Case(task="systemd", arguments={"name": "cron", "state": "started"}, prepare=units),
    Case(task="tempfile", arguments={"prefix": "build.", "suffix": ".d", "state": "directory"}),
    Case(
        task="blockinfile",
        arguments={"path": "/etc/app.conf", "block": "a\nb", "insertafter": "^port"},
        prepare=settings,
    ),
    Case(
        task="blockinfile",
        name="create",
        arguments={"path": "/etc/new/app.conf", "block": "a", "create": True, "mode": "0600"},
    ),
    Case(
        task="ini_file",
        arguments={"path": "/etc/app.ini", "section": "web", "option": "host", "value": "b"},
        prepare=settings,
    ),
    Case(
        task="ini_file",
        name="absent",
        arguments={"path": "/etc/app.ini", "section": "db", "state": "absent", "backup": True},
        prepare=settings,
    ),
    Case(
        task="lineinfile",
        arguments={"path": "/etc/app.conf", "regexp": "^port", "line": "port = 8080"},
        prepare=settings,
    ),
    Case(
        task="lineinfile",
        name="absent",
        arguments={"path": "/etc/app.conf", "regexp": "^#", "state": "absent"},
        prepare=settings,
    ),
    Case(
        task="replace",
        arguments={"path": "/etc/app.conf", "regexp": "^# (\\w+)", "replace": "// \\1"},
        prepare=settings,
    ),
    Case(
        task="bridge",
        arguments={"name": "bridge0", "address": "192.168.5.1/24", "mtu": 1400, "stp": True},
        prepare=networkd,
    ),
    Case(
        task="bridge",
        name="ifupdown",
        arguments={"name": "bridge0", "address": "192.168.5.1/24"},
        prepare=ifupdown,
    ),
    Case(
        task="bridge",
        name="absent",
        arguments={"name": "br0", "state": "absent"},
        prepare=with_bridge,
    ),
    Case(
        task="bridge",
        name="other-address",
        arguments={"name": "br0", "address": "10.9.0.1/16", "persist": "none"},
        prepare=with_bridge,
    ),
    Case(
        task="cgroup_delegation", arguments={"unit": "user@.service", "controllers": "cpu,memory"}
    ),
    Case(task="copy", arguments={"content": "hello\n", "dest": "/etc/motd", "mode": "0640"}),
    Case(
        task="copy",
        name="artifact",
        arguments={"src": "sha256:1#motd", "dest": "/srv/new/", "owner": "web", "backup": True},
        prepare=artifacts,
    ),
    Case(
        task="copy",
        name="remote",
        arguments={"src": "/srv/data/a", "dest": "/srv/motd", "remote_src": True},
        prepare=tree,
    ),
    Case(
        task="file",
        arguments={"path": "/srv/one/two", "state": "directory", "mode": "u=rwx,go=", "group": 33},
    ),
    Case(
        task="file",
        name="absent",
        arguments={"path": "/srv/data", "state": "absent"},
        prepare=tree,
    ),
    Case(
        task="file",
        name="link",
        arguments={"src": "/srv/motd", "dest": "/srv/data/link", "state": "link"},
        prepare=tree,
    ),
    Case(
        task="file",
        name="link-for-file",
        arguments={"src": "data/a", "dest": "/srv/motd", "state": "link", "force": True},
        prepare=tree,
    ),
    Case(
        task="file",
        name="hard",
        arguments={"src": "/srv/motd", "path": "/srv/data/a", "state": "hard", "force": True},
        prepare=tree,
    ),
    Case(
        task="file",
        name="recurse",
        arguments={"path": "/srv/data", "recurse": True, "owner": "web", "mode": "a+rX"},
        prepare=tree,
    ),
    Case(
        task="file",
        name="touch",
        arguments={
            "path": "/srv/flag",
            "state": "touch",
            "access_time": "preserve",
            "modification_time": "preserve",
        },
    ),
    Case(
        task="modprobe",
        arguments={"name": "overlay", "persistent": "present", "params": "metacopy=on"},
        prepare=modules,
    ),
    Case(
        task="modprobe",
        name="absent",
        arguments={"name": "overlay", "state": "absent", "persistent": "absent"},
        prepare=loaded,
    ),
    Case(task="find", arguments={"paths": "/srv", "recurse": True}, prepare=tree),
    Case(task="group", arguments={"name": "builders", "system": True}, prepare=people),
    Case(task="group", name="gid", arguments={"name": "adm", "gid": 5}, prepare=people),
    Case(
        task="group", name="absent", arguments={"name": "old", "state": "absent"}, prepare=old_group
    ),
    Case(
        task="user",
        arguments={"name": "ann", "groups": "adm,sudo", "uid": 1500, "create_home": False},
        prepare=people,
    ),
    Case(
        task="user",
        name="change",
        arguments={
            "name": "web",
            "shell": "/bin/bash",
            "groups": "adm",
            "append": True,
            "password": "$6$salt$hash",
            "expires": 86400 * 20000,
        },
        prepare=people,
    ),
    Case(
        task="user",
        name="absent",
        arguments={"name": "web", "state": "absent"},
        prepare=people,
    ),
    Case(task="getent", arguments={"database": "passwd", "key": "web"}, prepare=accounts),
    Case(task="package_facts", arguments={}, prepare=packages),
    Case(task="service_facts", arguments={}, prepare=services),
    Case(task="slurp", arguments={"src": "/srv/motd"}, prepare=tree),
    Case(task="stat", arguments={"path": "/srv/data/link"}, prepare=tree),
    Case(
        task="uri",
        arguments={"url": "http://web/page", "method": "POST", "dest": "/srv/answer"},
        prepare=server,
    ),
    Case(task="command", arguments={"cmd": "make -C /srv all", "creates": "/srv/out"}),
    Case(task="shell", arguments={"cmd": "date > /srv/now", "chdir": "/srv"}),
    Case(task="package", arguments={"name": ["jq", "curl"]}, prepare=packages),
    Case(
        task="package",
        name="absent",
        arguments={"name": "curl", "state": "absent"},
        prepare=packages,
    ),
    Case(
        task="service",
        arguments={"name": "cron", "state": "started", "enabled": "yes"},
        prepare=units,
    ),
    Case(
        task="service",
        name="stopped",
        arguments={"name": "ssh.service", "state": "stopped", "enabled": False, "masked": False},
        prepare=units,
    ),
    Case(
        task="sysctl",
        arguments={"name": "net.ipv4.ip_forward", "value": 1},
        prepare=forwarding,
    ),
    Case(
        task="sysctl",
        name="absent",
        arguments={"name": "net/ipv4/ip_forward", "state": "absent"},
        prepare=forwarding,
    ),
    Case(
        task="template",
        arguments={"src": "motd.j2", "content": "ready\n", "dest": "/srv/motd", "mode": "0600"},
        prepare=tree,
    ),
)
