"""Users and groups by the real useradd and its kin, on a machine of the test's own."""

import shutil
from pathlib import Path

import pytest

from support.own_network import in_own_machine
from support.tasks import described, run
from toolkit.facts import accounts
from toolkit.tasks.changes import from_data, to_data
from toolkit.tasks.local import LocalHost
from toolkit.tasks.planned import PlannedHost

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not shutil.which("useradd"), reason="this machine has no useradd"),
]

USER = {
    "name": "dy-ann",
    "comment": "Ann",
    "groups": "dy-team",
    "shell": "/bin/bash",
    "password": "$6$salt$hash",
    "password_expire_max": 90,
    "expires": 86400 * 30000,
    "generate_ssh_key": True,
    "ssh_key_type": "ed25519",
}


def test_a_user_is_made_as_planned_and_undone(tmp_path: Path) -> None:
    def steps() -> None:
        host = LocalHost()
        before = [Path("/etc", name).read_text() for name in ("passwd", "group")]
        planned = PlannedHost(host)
        foreseen = [*described(run(planned, "group", name="dy-team", gid=4321))]
        foreseen += described(run(planned, "user", **USER))
        team = run(host, "group", name="dy-team", gid=4321)
        made = run(host, "user", **USER)
        assert [*described(team), *described(made)][: len(foreseen)] == foreseen
        assert not run(host, "user", **USER).changed
        user = accounts.user(host, "dy-ann")
        assert user
        assert (user.comment, user.groups, user.shell) == ("Ann", ("dy-team",), "/bin/bash")
        assert accounts.password(host, "dy-ann") == "$6$salt$hash"
        assert accounts.aging(host, "dy-ann").expires == 30000
        key = Path(user.home, ".ssh/id_ed25519")
        assert (key.stat().st_uid, key.stat().st_mode & 0o777) == (user.uid, 0o600)
        assert str(made.values["ssh_public_key"]).startswith("ssh-ed25519 ")
        locked = run(host, "user", name="dy-ann", password_lock=True)
        changed = run(host, "user", name="dy-ann", groups=[], shell="/bin/sh", uid=4322)
        for change in (*reversed(changed.changes), *reversed(locked.changes)):
            back = change.inverse()
            assert back is not None
            from_data(to_data(back)).apply(host)
        assert accounts.user(host, "dy-ann") == user
        assert accounts.password(host, "dy-ann") == "$6$salt$hash"
        assert run(host, "user", name="dy-ann", state="absent", remove=True).changed
        assert not Path(user.home).exists()
        assert run(host, "group", name="dy-team", state="absent").changed
        assert [Path("/etc", name).read_text() for name in ("passwd", "group")] == before

    in_own_machine(steps, tmp_path)
