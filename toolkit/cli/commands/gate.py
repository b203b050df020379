"""``dockyard gate``: fresh virtual machines, provisioned, checked and gone: one exit status."""

import os
import subprocess
import sys
from typing import Any

import click

from toolkit.core.errors import CommandError, UnavailableError
from toolkit.core.files import shipped
from toolkit.fleet.boxes import Boxes, Place, Plan
from toolkit.fleet.hypervisor import Hypervisor
from toolkit.fleet.programs import RealPrograms

WORLD, TO_END = "DOCKYARD_WORLD", "DOCKYARD_WORLD_TO_END"
"""Set where the gate runs beside a libvirt of its own: that one's folder, and whether it has to be
ended, because it was started to stay."""
OUTSIDE = "DOCKYARD_OUTSIDE"
"""Set there too: the number of our open file that is the network namespace we came from."""


@click.command("gate")
@click.option("--boxes", default=1, type=click.IntRange(1, 50), help="Machines side by side.")
@click.option(
    "--box", default="debian12", metavar="B", help="debian12, debian13, debian12/podman or a file."
)
@click.option("--playbook", metavar="FILE", help="Default: the container host that ships with us.")
@click.option("--runtime", "runtimes", multiple=True, metavar="R", help="As for check.")
@click.option("-e", "--extra-vars", multiple=True, metavar="K=V|@FILE", help="As for apply.")
@click.option("-k", "expression", default="", metavar="EXPR", help="As for check.")
@click.option("--memory", default=768, type=click.IntRange(256), help="MiB a machine.")
@click.option("--cpus", default=1, type=click.IntRange(1), help="Processors a machine.")
@click.option("--snapshot", is_flag=True, help="Keep booted machines for the next gate.")
@click.option("--keep", is_flag=True, help="Leave the machines up and say how to get in.")
@click.option("--down", is_flag=True, help="Only remove what was kept.")
@click.option("--junit", default="", metavar="FILE", help="Write JUnit XML.")
@click.option("--folder", default="", metavar="DIR", help="Where machines and logs are kept.")
def command(**flags: Any) -> None:
    """Prove a playbook on fresh machines.

    Virtual machines with sshd and python3 and nothing else are booted side by side, the playbook
    is applied over SSH, applied again (which may change nothing), and the checks are run under the
    embedded runtime and the engine that the playbook installed. Then all of it is removed.
    """
    folder = os.path.abspath(flags["folder"] or os.environ.get("DOCKYARD_GATE") or _cache("gate"))
    if not Hypervisor(RealPrograms(), folder).answers():
        _again_in_a_world(folder, stays=flags["keep"] or flags["down"])
    vagrant_home = os.environ.get("VAGRANT_HOME") or _cache("vagrant")
    driver = os.environ.get("DOCKYARD_DRIVER", "")
    place = Place(folder=folder, vagrant_home=vagrant_home, driver=driver, outside=_outside())
    boxes = Boxes(place)
    kept = False
    try:
        if flags["down"]:
            with boxes.locked():
                boxes.clean()
            return
        status = _gate(flags, boxes)
        kept = flags["keep"] and bool(boxes.hypervisor.machines())
    finally:
        if not kept:
            _end_world()
    sys.exit(status)


def _gate(flags: dict[str, Any], boxes: Boxes) -> int:
    from toolkit.cli.extravars import extra_variables  # noqa: PLC0415 - a jump into a world is fast
    from toolkit.cli.gating import Gate, run_gate  # noqa: PLC0415 - as above

    gate = Gate(
        plan=Plan(
            box=flags["box"],
            count=flags["boxes"],
            memory=flags["memory"],
            cpus=flags["cpus"],
            snapshot=flags["snapshot"],
        ),
        playbook=flags["playbook"] or f"{shipped('playbooks')}/container-host.yml",
        runtimes=flags["runtimes"],
        extra=extra_variables(flags["extra_vars"]),
        expression=flags["expression"],
        junit=flags["junit"],
        keep=flags["keep"],
    )
    return run_gate(gate, boxes)


def _again_in_a_world(folder: str, *, stays: bool) -> None:
    """Run this very command again beside a libvirt of its own, which ends with it if not kept."""
    if WORLD in os.environ:
        raise UnavailableError(f"the libvirt in '{os.environ[WORLD]}' does not answer")
    script, world = f"{shipped('vagrant')}/libvirt", f"{folder}/libvirt"
    # -P: the current folder must not decide which code a root process runs.
    kept = subprocess.run((script, "in", world, "--", "true"), check=False, capture_output=True)
    stays = stays or kept.returncode == 0
    again = (sys.executable, "-P", "-m", "toolkit.cli.entry", *sys.argv[1:])
    os.environ[WORLD] = world
    network = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.set_inheritable(network, True)
    os.environ[OUTSIDE] = str(network)
    if stays:
        if not _succeeds(script, "start", world):
            raise CommandError((script, "start", world), 1, "")
        os.environ[TO_END] = world
    os.execv(script, (script, "in" if stays else "run", world, "--", *again))  # noqa: S606 - no shell


def _outside() -> tuple[str, ...]:
    """Put before a program: runs it in the network that this gate was started in."""
    number = os.environ.get(OUTSIDE)
    return ("nsenter", f"--net=/proc/{os.getpid()}/fd/{number}", "--") if number else ()


def _end_world() -> None:
    world = os.environ.get(TO_END)
    if world:
        _succeeds(f"{shipped('vagrant')}/libvirt", "stop", world)


def _succeeds(*argv: str) -> bool:
    return subprocess.run(argv, check=False).returncode == 0


def _cache(name: str) -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return f"{cache}/dockyard/{name}"
