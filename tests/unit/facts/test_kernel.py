import pytest

from support.fake_host import FakeHost
from toolkit.facts import kernel
from toolkit.facts.kernel import Module


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    made.files.seed("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n")
    return made


def test_a_loaded_module_has_a_state(host: FakeHost) -> None:
    host.files.seed("/sys/module/br_netfilter/initstate", "live\n")
    assert kernel.module(host, "br-netfilter") is Module.LOADED


@pytest.mark.parametrize(
    ("path", "content", "name"),
    [
        ("/sys/module/bridge/version", "2.3\n", "bridge"),
        ("/proc/filesystems", "nodev\toverlay\n", "overlay"),
        ("/proc/sys/net/bridge/bridge-nf-call-iptables", "1\n", "br_netfilter"),
        ("/lib/modules/6.1.0-28-amd64/modules.builtin", "kernel/a/loop-x.ko.zst\n", "loop_x"),
    ],
)
def test_what_the_kernel_can_do_needs_no_module(
    path: str, content: str, name: str, host: FakeHost
) -> None:
    assert kernel.module(host, name) is Module.ABSENT
    host.files.seed(path, content)
    assert kernel.module(host, name) is Module.BUILT_IN


def test_a_kernel_without_modules_cannot_load_one(host: FakeHost) -> None:
    assert not kernel.loads_modules(host)
    host.files.seed("/proc/modules")
    assert kernel.loads_modules(host)
    host.files.seed("/proc/sys/kernel/modules_disabled", "1\n")
    assert not kernel.loads_modules(host)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/ip_forward", "net/ipv4/ip_forward"),
        ("net.ipv4.conf.eth0/5.forwarding", "net/ipv4/conf/eth0.5/forwarding"),
        ("net/ipv4/conf/eth0.5/forwarding", "net/ipv4/conf/eth0.5/forwarding"),
        ("panic", "panic"),
    ],
)
def test_the_first_separator_decides(name: str, path: str) -> None:
    assert kernel.sysctl_path(name) == path


def test_a_parameter_has_single_blanks(host: FakeHost) -> None:
    host.files.seed("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n")
    assert kernel.sysctl(host, "net.ipv4.tcp_rmem") == "4096 131072 6291456"
    assert kernel.sysctl(host, "net.ipv4") is None
    assert kernel.sysctl(host, "no.such") is None


def test_the_command_line_is_words_and_values(host: FakeHost) -> None:
    host.files.seed("/proc/cmdline", "ro root=UUID=1 quiet\n")
    assert kernel.command_line(host) == {"ro": True, "root": "UUID=1", "quiet": True}
