"""The texts that the kernel prints, read without a kernel."""

from pathlib import Path

import pytest

from toolkit.net import quick
from toolkit.net.model import Route

ROUTE = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t0000FFFF\t0\t0\t0
*\t0000090A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0
eth1\t0000000A\t00000000\t0000\t0\t0\t0\t000000FF\t0\t0\t0
"""
ZERO = "0" * 32
ROUTE6 = f"""\
fd000000000000000000000000000000 40 {ZERO} 00 {ZERO} 00000100 00000001 00000000 00000001 eth0
{ZERO} 00 {ZERO} 00 fe800000000000000000000000000001 00000400 00000002 00000000 00000003 eth0
fd000000000000000000000000000002 80 {ZERO} 00 {ZERO} 00000000 00000003 00000000 80200001 eth0
ff000000000000000000000000000000 08 {ZERO} 00 {ZERO} 00000100 00000003 00000000 00000001 eth0
{ZERO} 00 {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200 lo
"""


@pytest.mark.skipif("sys.byteorder == 'big'", reason="the recorded text is of a little machine")
def test_routes_of_the_main_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "route").write_text(ROUTE)
    (tmp_path / "ipv6_route").write_text(ROUTE6)
    monkeypatch.setattr(quick, "PROC", str(tmp_path))
    assert quick.routes() == (
        Route(to="0.0.0.0/0", link="eth0", via="192.168.0.1", metric=100),
        Route(to="192.168.0.0/16", link="eth0", metric=100),
        Route(to="fd00::/64", link="eth0", metric=256),
        Route(to="::/0", link="eth0", via="fe80::1", metric=1024),
    )


def test_no_proc_means_no_routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "PROC", str(tmp_path))
    assert quick.routes() == ()


def test_no_sys_means_that_netlink_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "SYS", str(tmp_path))
    assert quick.links() == ()
