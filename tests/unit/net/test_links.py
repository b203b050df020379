import sys

import pytest

from support.fork import in_child
from toolkit.core.errors import InvalidInputError
from toolkit.net.links import Netlink, check_name


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a b", "sixteen-letters0"])
def test_a_name_that_the_kernel_refuses_is_refused_before(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is no name for a link"):
        check_name(name)


def test_a_good_name_passes() -> None:
    check_name("bridge0")
    check_name("fifteen-letters")


def test_reading_does_not_load_pyroute2() -> None:
    def steps() -> tuple[str, bool]:
        for name in [name for name in sys.modules if name.partition(".")[0] == "pyroute2"]:
            del sys.modules[name]
        loopback = Netlink().link("lo")
        assert Netlink().routes() is not None
        return loopback.name, "pyroute2" in sys.modules

    assert in_child(steps) == ("lo", False)
