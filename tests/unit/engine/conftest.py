"""An engine on a runtime without a kernel."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.fake_runtime import FakeRuntime
from toolkit.core.errors import NotFoundError
from toolkit.engine.engine import Engine
from toolkit.engine.settings import Settings
from toolkit.engine.stored import PlainImage
from toolkit.oci.image import ImageConfig


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_root=str(tmp_path / "data"), run_root=str(tmp_path / "run"))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    root = tmp_path / "layer"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nweb:x:33:33::/var/www:/bin/sh\n")
    return root


@pytest.fixture
def open_engine(
    settings: Settings, runtime: FakeRuntime, layer: Path
) -> Iterator[Callable[[], Engine]]:
    """Opens an engine on the same data, as the next command would."""
    opened: list[Engine] = []

    def images(reference: str) -> PlainImage:
        if reference != "box":
            raise NotFoundError(f"no such image: '{reference}'")
        config = ImageConfig(cmd=("sh",), env=("A=image",), stop_signal="INT", labels={})
        return PlainImage(lower=(str(layer),), config=config, digest="sha256:1")

    def make() -> Engine:
        opened.append(Engine(settings, lambda: runtime, images, kernel=runtime))
        return opened[-1]

    yield make
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_engine: Callable[[], Engine]) -> Engine:
    return open_engine()
