"""A gate: fresh machines up, a playbook over SSH, once more, the checks, machines down."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from xml.etree import ElementTree

import click

from toolkit.cli.checking import console
from toolkit.cli.output.choose import choose
from toolkit.cli.provision import Provision, Sessions, Wish, exit_status
from toolkit.conformance.session import Options, run_checks
from toolkit.core.errors import CommandError, ToolkitError
from toolkit.core.files import shipped
from toolkit.fleet.boxes import Boxes, Fleet, Plan
from toolkit.fleet.links import Options as LinkOptions
from toolkit.inventory.load import load as load_inventory
from toolkit.playbook.journal import new_run_id
from toolkit.playbook.loader import load as load_playbook
from toolkit.playbook.model import Playbook
from toolkit.playbook.results import Recap

T = TypeVar("T")
ENGINE_VARIABLE = "engine_packages"
ENGINES = {"docker": ("docker.io",)}
"""What a gate sets ``engine_packages`` to, in playbooks that have it: an engine to compare with."""
USUAL_ENGINE = ("podman", "netavark")
SLOWER = 12.0
"""So much longer than a host a machine in emulation may take for one thing: code runs 13 times
slower there, but much of a thing is not code."""
LOCK_SECONDS = 20.0
"""A gate that was killed has children, which need a moment to end."""
# Engines and where their programs are; the second kind is only taken where there is no engine.
_LOOK = (
    "for name in podman dockerd runc crun; do command -v $name; done;"
    " for name in dockerd runc crun; do command -v /usr/sbin/$name; done;"
    " docker version --format 'docker-{{.Server.Version}}' 2>/dev/null; true"
)


class GateError(ToolkitError):
    """The machines are fine, and what was to be proved does not hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """What is asked for; empty ``runtimes`` are the embedded one and what the playbook installs.

    ``expression`` leaves only those checks whose id or name matches, as pytest's ``-k``.
    """

    plan: Plan
    playbook: str
    runtimes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    expression: str = ""
    junit: str = ""
    keep: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """One step of a gate: how long it took, and what came of it."""

    name: str
    seconds: float
    told: str
    error: ToolkitError | None = None


class Phases:
    """Runs the steps and keeps how they went."""

    def __init__(self) -> None:
        self.done: list[Phase] = []

    def run(self, name: str, step: Callable[[], T], tell: Callable[[T], str] = str) -> T:
        """Run a step; a failure is kept and raised."""
        click.echo(f"==> {name}", err=True)
        began = time.monotonic()
        try:
            value = step()
            told = tell(value)
        except ToolkitError as error:
            self._keep(name, began, error.message, error)
            raise
        except BaseException as ended:
            self._keep(name, began, "interrupted", GateError(f"ended by {type(ended).__name__}"))
            raise
        self._keep(name, began, told)
        return value

    def _keep(self, name: str, began: float, told: str, error: ToolkitError | None = None) -> None:
        seconds = time.monotonic() - began
        self.done.append(Phase(name=name, seconds=seconds, told=told, error=error))

    @property
    def failed(self) -> ToolkitError | None:
        """The first failure."""
        return next((phase.error for phase in self.done if phase.error), None)


def run_gate(gate: Gate, boxes: Boxes) -> int:
    """Run it all; the exit status is 0 only if every step held. Machines are left only if kept."""
    playbook = load_playbook(gate.playbook)
    phases = Phases()
    check_xml = Path(boxes.folder) / "check.xml"
    check_xml.unlink(missing_ok=True)
    up: list[Fleet] = []
    with boxes.locked(wait=LOCK_SECONDS), _ended_by_signals():
        try:
            _steps(gate, boxes, playbook, phases, up)
        except ToolkitError as error:
            click.echo(f"dockyard: {error.message}", err=True)
            if error.hint:
                click.echo(f"hint: {error.hint}", err=True)
        finally:
            with _deaf():
                if not (gate.keep and up):
                    _down(gate, boxes, phases)
                if gate.junit:
                    Path(gate.junit).write_text(junit(phases.done, check_xml), encoding="utf-8")
                _show(gate, phases, up[0] if up else None, boxes)
    return phases.failed.exit_status if phases.failed else 0


def _steps(gate: Gate, boxes: Boxes, playbook: Playbook, phases: Phases, up: list[Fleet]) -> None:
    box = phases.run("box", lambda: boxes.box(gate.plan), lambda made: os.path.basename(made[0]))
    fleet = phases.run("up", lambda: boxes.up(gate.plan, box), _told_up)
    up.append(fleet)
    inventory = load_inventory(fleet.inventory)
    patience = SLOWER if fleet.driver == "qemu" else 1.0
    timeout = LinkOptions().connect_timeout * patience
    with Sessions(inventory, LinkOptions(become="root", connect_timeout=timeout)) as sessions:
        wish = Wish(mode={"run": new_run_id()}, extra=extra_of(gate, playbook, role=box[1]))

        def apply() -> Mapping[str, Recap]:
            output = choose(as_json=False)
            try:
                return _applied(Provision(inventory, sessions, output, wish).run(playbook))
            finally:
                output.close()

        phases.run("apply", apply, _told_recaps)
        phases.run("apply again", lambda: _unchanged(apply()), _told_recaps)
        names = tuple(inventory.hosts)
        runtimes = gate.runtimes or phases.run(
            "runtimes", lambda: found_runtimes(sessions, names), ", ".join
        )
        links = {name: partial(sessions.link, name) for name in names}
        options = Options(
            runtimes=runtimes,
            expression=gate.expression,
            junit=f"{boxes.folder}/check.xml",
            json=f"{boxes.folder}/check.json",
            timeout=Options().timeout * patience,
        )
        phases.run("check", lambda: _checked(options, links))


def extra_of(gate: Gate, playbook: Playbook, *, role: str = "fresh") -> dict[str, Any]:
    """The extra variables, with an engine to install where the playbook has a place for one."""
    wants = any(ENGINE_VARIABLE in play.vars for play in playbook.plays)
    engine = list(ENGINES.get(role, USUAL_ENGINE))
    return {**({ENGINE_VARIABLE: engine} if wants else {}), **gate.extra}


def _applied(recaps: Mapping[str, Recap]) -> Mapping[str, Recap]:
    status = exit_status(recaps.values())
    if status:
        bad = [host for host, recap in recaps.items() if recap.failed or recap.unreachable]
        error = GateError(f"the playbook failed on {', '.join(bad)}")
        error.exit_status = status
        raise error
    return recaps


def _unchanged(recaps: Mapping[str, Recap]) -> Mapping[str, Recap]:
    bad = {host: recap.changed for host, recap in recaps.items() if recap.changed}
    if bad:
        told = ", ".join(f"{count} tasks on {host}" for host, count in bad.items())
        raise GateError(f"the second run changed something again: {told}")
    return recaps


def found_runtimes(sessions: Sessions, hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The embedded runtime and the engines that are there, else the OCI runtimes."""
    there: set[str] = set()
    for host in hosts:
        reply = sessions.link(host).call("run", {"argv": ["sh", "-c", _LOOK]})
        there |= set(reply.result["stdout"].split())
    programs = {os.path.basename(path) for path in there}
    old = any(word.startswith("docker-20.") for word in there)
    engines = {"dockerd": "docker@docker-20" if old else "docker", "podman": "podman"}
    if found := [engine for program, engine in engines.items() if program in programs]:
        return ("embedded", *found)
    return ("embedded", *(f"oci:{path}" for path in sorted(there)))


def _checked(options: Options, links: Mapping[str, Any]) -> str:
    """Run the checks; the counts of verdicts."""
    lines = Path(options.json)
    lines.unlink(missing_ok=True)
    status = run_checks(options, links, console=console())
    results = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    count = Counter(result["verdict"] for result in results)
    told = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    if status:
        error = GateError(f"not every check holds: {told}")
        error.exit_status = status
        raise error
    if not count["pass"]:
        raise GateError("no check had anything to judge")
    return f"{', '.join(options.runtimes)}: {told}"


def _down(gate: Gate, boxes: Boxes, phases: Phases) -> None:
    saved = gate.plan.snapshot
    try:
        phases.run("down", lambda: boxes.down(saved=saved), lambda _: "kept" if saved else "gone")
    except ToolkitError as error:
        click.echo(f"dockyard: {error.message}", err=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End in order, as by Ctrl-C, when told to by SIGTERM or by a terminal that goes away."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    with _handled((signal.SIGTERM, signal.SIGHUP), end):
        yield


@contextmanager
def _deaf() -> Iterator[None]:
    """Nothing may interrupt the taking down: what is left then, nobody would look for."""
    with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), signal.SIG_IGN):
        yield


@contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are none of this thread's business
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _told_up(fleet: Fleet) -> str:
    names = ", ".join(login.name for login in fleet.logins)
    return f"{names} ({fleet.driver}{', from the snapshot' if fleet.resumed else ''})"


def _told_recaps(recaps: Mapping[str, Recap]) -> str:
    return ", ".join(f"{host} changed {recap.changed}" for host, recap in recaps.items())


def _show(gate: Gate, phases: Phases, fleet: Fleet | None, boxes: Boxes) -> None:
    click.echo("")
    for phase in phases.done:
        mark = "FAIL" if phase.error else "ok"
        click.echo(f"{mark:<4}  {phase.name:<12} {phase.seconds:7.1f} s  {phase.told}")
    total = sum(phase.seconds for phase in phases.done)
    count = gate.plan.count
    boxed = f"{count} box{'es' if count > 1 else ''} of {gate.plan.box}"
    click.echo(f"gate {'FAILED' if phases.failed else 'passed'}: {boxed}, {total:.0f} s")
    if isinstance(phases.failed, CommandError):
        click.echo(f"the logs are in '{boxes.folder}'", err=True)
    if gate.keep and fleet:
        inside = f"{shipped('vagrant')}/libvirt in {boxes.folder}/libvirt --"
        for login in fleet.logins:
            click.echo(f"get in:  {inside} ssh -F {fleet.ssh_config} {login.name}")
        click.echo(f"remove:  dockyard gate --down --folder {boxes.folder}")


def junit(phases: list[Phase], checks: Path) -> str:
    """A test suite of the phases, and those of the checks where they were run."""
    root = ElementTree.Element("testsuites", name="dockyard gate")
    bad = sum(phase.error is not None for phase in phases)
    seconds = sum(phase.seconds for phase in phases)
    counts = {"tests": str(len(phases)), "failures": str(bad), "time": f"{seconds:.3f}"}
    suite = ElementTree.SubElement(root, "testsuite", {"name": "gate", **counts})
    for phase in phases:
        case = ElementTree.SubElement(
            suite, "testcase", classname="gate", name=phase.name, time=f"{phase.seconds:.3f}"
        )
        if phase.error:
            ElementTree.SubElement(case, "failure", message=phase.error.message)
        else:
            ElementTree.SubElement(case, "system-out").text = phase.told
    if checks.exists():
        root.extend(ElementTree.parse(checks).getroot())  # noqa: S314 - we wrote it a moment ago
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
