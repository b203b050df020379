"""Ids, groups, no_new_privs, keyrings and what else a process carries with it."""

from toolkit.conformance.boxspec import ASKED
from toolkit.conformance.check import check
from toolkit.conformance.documents import Box, HostDoc
from toolkit.conformance.gather import ENGINE_SOCKETS
from toolkit.conformance.profile import Profile
from toolkit.conformance.verdict import (
    Finding,
    denied,
    differs,
    equal,
    holds,
    none_of,
    not_applicable,
    weaker,
)


@check("PRV-NNP-24", area="B", severity="medium")
def test_default_no_new_privileges(box: Box, profile: Profile) -> Finding:
    """no_new_privs is what the profile says."""
    return equal(box.init.status.no_new_privileges, profile.no_new_privileges)


@check("PRV-NNP-25", area="B", box=ASKED)
def test_no_new_privileges(box: Box) -> Finding:
    """no_new_privs is set where it was asked for, so a setuid program raises nobody."""
    return equal(box.init.status.no_new_privileges, True)


@check("PRV-NNP-26", area="B", box=ASKED)
def test_exec_no_new_privileges(box: Box) -> Finding:
    """no_new_privs holds for an added process too."""
    return equal(box.exec.status.no_new_privileges, True)


@check("PRV-GID-29", area="B")
def test_groups(box: Box) -> Finding:
    """Root comes with no group of the host's: at most its own."""
    return none_of(
        [str(group) for group in box.init.status.groups if group != 0], expected="none but 0"
    )


@check("PRV-GID-36", area="B", box=ASKED)
def test_user_groups(box: Box) -> Finding:
    """A user other than root is not in root's group."""
    status = box.init.status
    return holds(
        0 not in (*status.gids, *status.groups),
        seen=[*status.gids, *status.groups],
        expected="not 0",
    )


@check("PRV-UID-30", area="B", severity="critical", box=ASKED)
def test_user(box: Box) -> Finding:
    """The process and an added one run as the user that was asked for, in all four ids."""
    return equal([*box.init.status.uids, *box.exec.status.uids], [1000] * 8)


@check("PRV-UMASK-32", area="B", severity="low")
def test_umask(box: Box) -> Finding:
    """New files are not writable by group and others."""
    return equal(f"{box.init.raw['umask']:04o}", "0022")


@check("PRV-KEY-33", area="B", severity="medium")
def test_keys(box: Box, profile: Profile) -> Finding:
    """Keyrings, which no namespace separates, cannot be asked for, and /proc/keys is masked."""
    answer = "ok" if box.init.raw["keyring"] >= 0 else box.init.filtered["keyctl"]
    keys = box.init.paths["/proc/keys"]
    masked = not keys.reachable or keys.is_null
    if masked and not profile.stops("keyctl") and answer not in ("EPERM", "ENOSYS"):
        return weaker(profile.lenience, seen=f"keyctl={answer}")
    closed = answer in ("EPERM", "ENOSYS") and masked
    return holds(closed, seen=[f"keyctl={answer}", f"masked={masked}"], expected="denied, masked")


@check("PRV-KEY-34", area="B", severity="medium")
def test_session_keyring(box: Box, host: HostDoc) -> Finding:
    """The session keyring is not the one of whoever started the container."""
    if box.init.raw["keyring"] < 0:
        return denied({"keyctl": box.init.filtered["keyctl"]})
    return differs(box.init.raw["keyring"], host.raw["keyring"])


@check("PRV-OOM-35", area="B", severity="low")
def test_oom_score(box: Box, host: HostDoc) -> Finding:
    """The kernel's choice of victim is as for any process of the host."""
    return equal(box.init.raw["oom_score_adj"].strip(), host.raw["oom_score_adj"])


@check("PRV-DAEMON-36", area="B", severity="critical")
def test_engine_sockets(box: Box) -> Finding:
    """No engine's socket is inside the container."""
    found = [path for path in ENGINE_SOCKETS if box.init.paths[path].reachable]
    return none_of(found, expected="absent")


@check("PRV-ENV-37", area="B", severity="medium", on="E")
def test_environment(box: Box) -> Finding:
    """Only variables of the engine and the image are set, none of the host's."""
    known = {"PATH", "HOSTNAME", "HOME", "TERM", "container", "LC_CTYPE"}
    if not box.init.raw["env"]:
        return not_applicable("the process has no environment")
    return none_of(sorted(set(box.init.raw["env"]) - known), expected=sorted(known))
