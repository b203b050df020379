import pytest

from support import task_cases
from support.fake_host import FakeHost
from support.tasks import described, run
from toolkit.core.errors import NotFoundError
from toolkit.tasks.sysctl import edited


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    task_cases.forwarding(made)
    return made


def test_the_kernel_and_the_file_are_held_apart(host: FakeHost) -> None:
    host.kernel.set_sysctl("net.ipv4.ip_forward", "1")
    assert described(run(host, "sysctl", name="net.ipv4.ip_forward", value=1)) == [
        "write /etc/sysctl.conf (45 bytes)"
    ]
    host.kernel.set_sysctl("net.ipv4.ip_forward", "0")
    assert described(run(host, "sysctl", name="net.ipv4.ip_forward", value=1)) == [
        "set net.ipv4.ip_forward from '0' to '1'"
    ]


def test_without_reload_the_kernel_is_left_alone(host: FakeHost) -> None:
    done = run(host, "sysctl", name="net.ipv4.ip_forward", value=1, reload=False)
    assert described(done) == ["write /etc/sysctl.conf (45 bytes)"]
    done = run(host, "sysctl", name="net.ipv4.ip_forward", value=1, reload=False, sysctl_set=True)
    assert described(done) == ["set net.ipv4.ip_forward from '0' to '1'"]


def test_the_default_file_is_one_that_is_read_at_boot(host: FakeHost) -> None:
    host.files.remove("/etc/sysctl.conf")
    done = run(host, "sysctl", name="net.ipv4.ip_forward", value=1)
    assert done.values["sysctl_file"] == "/etc/sysctl.d/99-sysctl.conf"
    assert host.files.read("/etc/sysctl.d/99-sysctl.conf") == b"net.ipv4.ip_forward=1\n"


def test_a_link_to_the_file_stays_a_link(host: FakeHost) -> None:
    host.files.seed_directory("/etc/sysctl.d")
    host.files.symlink("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf")
    run(
        host,
        "sysctl",
        name="net.ipv4.ip_forward",
        value=1,
        sysctl_file="/etc/sysctl.d/99-sysctl.conf",
    )
    assert host.files.readlink("/etc/sysctl.d/99-sysctl.conf") == "../sysctl.conf"
    assert b"ip_forward=1" in host.files.read("/etc/sysctl.conf")


def test_an_unknown_parameter_is_an_error_unless_it_may_be(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match=r"this kernel has no parameter 'no.such'"):
        run(host, "sysctl", name="no.such", value=1)
    assert run(host, "sysctl", name="no.such", value=1, ignoreerrors=True).changed


@pytest.mark.parametrize(("written", "meant"), [("yes", "1"), (False, "0"), (" 4\t5  6 ", "4 5 6")])
def test_values_are_written_as_the_kernel_writes_them(
    written: object, meant: str, host: FakeHost
) -> None:
    run(host, "sysctl", name="net.ipv4.ip_forward", value=written)
    assert host.files.read("/proc/sys/net/ipv4/ip_forward") == f"{meant}\n".encode()


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", "a.b=2\n"),
        ("# a.b=1\n", "# a.b=1\na.b=2\n"),
        ("a.b = 1\nc.d=3\n", "a.b=2\nc.d=3\n"),
        ("a.b=1\nx=1\na/b=5\n", "a.b=2\nx=1\n"),
        ("-a.b=1\n", "a.b=2\n"),
        ("a.b  =  2\n", "a.b  =  2\n"),
        ("last=1", "last=1\na.b=2\n"),
        ("a.bc=1\n", "a.bc=1\na.b=2\n"),
    ],
)
def test_one_line_is_changed_and_no_other(text: str, new: str) -> None:
    assert edited(text, "a.b", "a.b=2") == new


def test_absent_takes_every_line_out() -> None:
    assert edited("a.b=1\nx=1\na/b=2\n", "a.b", None) == "x=1\n"


def test_a_file_that_is_not_utf8_keeps_its_bytes(host: FakeHost) -> None:
    host.files.seed("/etc/sysctl.conf", b"# caf\xe9\n")
    run(host, "sysctl", name="net.ipv4.ip_forward", value=0)
    assert host.files.read("/etc/sysctl.conf") == b"# caf\xe9\nnet.ipv4.ip_forward=0\n"
