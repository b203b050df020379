"""docker and nerdctl: a root directory imported as an image, then their own command lines."""

from toolkit.conformance.boxspec import BoxSpec
from toolkit.conformance.drivers.base import Started, Workshop, make_root, with_swap
from toolkit.conformance.drivers.choice import Choice
from toolkit.conformance.drivers.podman import options
from toolkit.conformance.machine import BoxError, Machine, Ran

_IMPORT = 'tar -C "$1" -c . | "$2" import - "$3"'


class Docker:
    """An engine with a daemon; what it ran and the image are removed at the end."""

    def __init__(self, choice: Choice, shop: Workshop) -> None:
        self.name = choice.name
        self.profile = choice.profile
        self._program = choice.program
        self._shop = shop
        self._folder = ""
        self._count = 0

    def start(self, spec: BoxSpec, argv: tuple[str, ...]) -> Started:
        """``docker run --detach``."""
        self._prepare()
        self._count += 1
        name = f"{self._shop.session}-{self._count}"
        asked = options(spec, with_swap(spec, self._shop.host))
        words = ("run", "--detach", "--name", name, *asked, *self._image, *argv)
        try:
            what = f"{self.name} cannot start a container"
            box = self._machine.must((self._program, *words), what).strip().splitlines()[-1]
        except BoxError:
            # What was created and did not start would stay.
            self._machine.run((self._program, "rm", "--force", name))
            raise
        inspect = (self._program, "inspect", "--format", "{{.State.Pid}}", box)
        pid = self._machine.must(inspect, f"{self.name} cannot inspect a container")
        return Started(id=box, pid=int(pid), hostname=spec.hostname)

    def exec(self, started: Started, argv: tuple[str, ...]) -> Ran:
        """``docker exec``."""
        return self._machine.run((self._program, "exec", started.id, *argv))

    def run(self, argv: tuple[str, ...]) -> Ran:
        """``docker run --rm``."""
        self._prepare()
        command = (self._program, "run", "--rm", *options(BoxSpec()), *self._image, *argv)
        return self._machine.run(command)

    def remove(self, started: Started) -> None:
        """``docker rm --force``."""
        command = (self._program, "rm", "--force", started.id)
        self._machine.must(command, f"{self.name} cannot remove a container")

    def close(self) -> None:
        """Remove the image and the root directory."""
        if self._folder:
            self._machine.run((self._program, "rmi", "--force", self._tag))
            self._machine.remove(self._folder)
            self._folder = ""

    @property
    def _machine(self) -> Machine:
        return self._shop.machine

    @property
    def _tag(self) -> str:
        return f"{self._shop.session}:latest"

    @property
    def _image(self) -> tuple[str, ...]:
        return ("--volume", "/usr:/usr:ro", self._tag)

    def _prepare(self) -> None:
        if self._folder:
            return
        # Raises where there is no such program, before anything has to be taken back.
        self._machine.run((self._program, "--version"))
        self._folder = self._machine.temporary()
        make_root(self._machine, f"{self._folder}/rootfs")
        command = ("sh", "-c", _IMPORT, "sh", f"{self._folder}/rootfs", self._program, self._tag)
        self._machine.must(command, f"{self.name} takes no image")
