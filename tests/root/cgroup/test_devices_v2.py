"""Device rules on a v2 hierarchy, which a hybrid machine has too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolkit.cgroup.group import Cgroup
from toolkit.cgroup.layout import Layout
from toolkit.cgroup.limits import DeviceRule, Limits

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("home")]
RULES = (
    DeviceRule(allow=False),
    DeviceRule(allow=True, type="c", access="m"),
    DeviceRule(allow=True, type="c", major=1, minor=3),
    DeviceRule(allow=True, type="c", major=1, minor=5, access="r"),
)


@pytest.fixture
def group() -> Iterator[Cgroup]:
    """A group with device rules on v2 alone."""
    v2 = Layout.of_host().v2
    if v2 is None:
        pytest.skip("no v2 hierarchy is mounted")
    path = f"{os.environ['DOCKYARD_CGROUP_PARENT']}/box"
    made = Cgroup.create(Layout(kind="v2", v2=v2), path, Limits(devices=RULES))
    yield made
    made.kill()
    made.remove()


def opens(path: Path, flags: int) -> bool:
    try:
        os.close(os.open(path, flags))
    except PermissionError:
        return False
    return True


def test_only_what_the_rules_say_is_opened(group: Cgroup, tmp_path: Path) -> None:
    node = tmp_path / "kmsg"
    expected = {
        "null rw": True,
        "zero r": True,
        "zero w": False,
        "full r": False,
        "made": True,
        "made r": False,
        "block made": False,
    }
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            group.enter()
            os.mknod(node, 0o600 | 0o020000, os.makedev(1, 11))
            seen = {
                "null rw": opens(Path("/dev/null"), os.O_RDWR),
                "zero r": opens(Path("/dev/zero"), os.O_RDONLY),
                "zero w": opens(Path("/dev/zero"), os.O_WRONLY),
                "full r": opens(Path("/dev/full"), os.O_RDONLY),
                "made": node.exists(),
                "made r": opens(node, os.O_RDONLY | os.O_NONBLOCK),
            }
            try:
                os.mknod(tmp_path / "disk", 0o600 | 0o060000, os.makedev(254, 0))
                seen["block made"] = True
            except PermissionError:
                seen["block made"] = False
            os.write(writer, repr(seen).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    assert said == repr(expected)


def test_others_are_not_under_the_rules(group: Cgroup) -> None:
    assert group.warnings == ()
    assert opens(Path("/dev/full"), os.O_RDWR)
