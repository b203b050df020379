"""Lines of ``docker ps``."""

from toolkit.api.documents import summary
from toolkit.engine.config import ContainerConfig
from toolkit.engine.endpoints import Attachment
from toolkit.engine.model import View
from toolkit.engine.netstore import Network
from toolkit.engine.settings import Settings
from toolkit.net.ipv4 import parse_bridge_address
from toolkit.net.wiring import Bridge, Endpoint, Port
from toolkit.oci.image import ImageConfig


def test_ports_that_lead_in_come_before_those_that_are_only_named() -> None:
    port = Port(protocol="tcp", host="127.0.0.1", outer=8080, inner=80)
    bridge = Bridge(link="b0", address=parse_bridge_address("10.1.0.1/24", what="b0"))
    place = Attachment(
        network=Network(name="n1", id="1" * 64, bridge=bridge, created=1.0),
        endpoint=Endpoint(
            bridge="b0", link="v0", mac="02:42:0a:01:00:02", address="10.1.0.2", ports=(port,)
        ),
    )
    view = View(
        id="a" * 64,
        name="web",
        image="app:1",
        args=("serve", "-f"),
        config=ContainerConfig(image="app:1", network="n1"),
        status="running",
        created=10.9,
        networks=(place,),
        says=ImageConfig(exposed_ports=("80/tcp", "53/udp"), labels={}),
    )
    shown = summary(view, Settings())
    assert shown["Ports"] == [
        {"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 53, "Type": "udp"},
    ]
    assert (shown["Names"], shown["Command"], shown["Created"]) == (["/web"], "serve -f", 10)
    assert list(shown["NetworkSettings"]["Networks"]) == ["n1"]
