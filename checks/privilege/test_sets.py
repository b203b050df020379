"""The five capability sets of the first process, of an added one, and after options."""

from toolkit.conformance.boxspec import ADMIN, ASKED, NOTHING
from toolkit.conformance.check import check
from toolkit.conformance.documents import Box
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import Finding, equal, holds, none_of, text


@check("CAP-BND-01", area="B", severity="critical")
def test_bounding(box: Box, profile: Profile) -> Finding:
    """The bounding set is exactly the profile's."""
    return equal(box.init.status.bounding, profile.capabilities)


@check("CAP-EFF-02", area="B", severity="critical")
def test_effective(box: Box) -> Finding:
    """Root holds what the bounding set allows, and nothing beyond it."""
    status = box.init.status
    same = status.effective == status.permitted == status.bounding
    odd = (status.effective | status.permitted) ^ status.bounding
    return holds(same, seen=odd or "equal", expected="effective = permitted = bounding")


@check("CAP-INH-03", area="B", severity="medium")
def test_inheritable(box: Box) -> Finding:
    """The inheritable set is empty."""
    return none_of(sorted(box.init.status.inheritable), expected="empty")


@check("CAP-AMB-04", area="B")
def test_ambient(box: Box) -> Finding:
    """The ambient set is empty."""
    return none_of(sorted(box.init.status.ambient), expected="empty")


@check("CAP-USR-05", area="B", severity="critical", box=ASKED)
def test_other_user(box: Box) -> Finding:
    """A user other than root holds no capability."""
    status = box.init.status
    return none_of(
        sorted(status.effective | status.permitted | status.ambient), expected="none for uid 1000"
    )


@check("CAP-ADD-07", area="B", box=ADMIN)
def test_add_and_drop(box: Box, profile: Profile) -> Finding:
    """Capabilities added and dropped change exactly those."""
    expected = profile.capabilities - set(ADMIN.cap_drop) | set(ADMIN.cap_add)
    return equal(box.init.status.bounding, expected)


@check("CAP-DROP-08", area="B", severity="critical", box=NOTHING)
def test_drop_all(box: Box) -> Finding:
    """Root without any capability has none in any of the five sets."""
    held = {name: found for name, found in box.init.status.sets.items() if found}
    return none_of([f"{name}={text(found)}" for name, found in held.items()], expected="all empty")


@check("CAP-EXEC-11", area="B", severity="critical")
def test_exec(box: Box) -> Finding:
    """An added process holds what the first one holds, in all five sets."""
    first, added = box.init.status.sets, box.exec.status.sets
    return none_of(
        [
            f"{name}={text(added[name] ^ first[name])}"
            for name in first
            if added[name] != first[name]
        ],
        expected="exec = init",
    )


@check("CAP-EXEC-12", area="B", severity="critical", box=NOTHING)
def test_exec_after_drop(box: Box) -> Finding:
    """A process added to a container without capabilities does not get the defaults back."""
    return none_of(sorted(box.exec.status.effective), expected="none")


@check("CAP-SEC-23", area="B", severity="low")
def test_securebits(box: Box) -> Finding:
    """No securebits are set, so that setuid and file capabilities work as they are documented."""
    return equal(box.init.raw["securebits"], 0)
