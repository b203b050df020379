"""``user`` and ``group``."""

import pytest

from support.fake_host import FakeHost
from support.task_cases import people
from support.tasks import described, run
from toolkit.core.errors import CommandError, ConflictError, InvalidInputError, NotFoundError
from toolkit.core.process import Completed
from toolkit.facts import accounts
from toolkit.facts.accounts import Aging, Group, User
from toolkit.tasks.host import NewHome
from toolkit.tasks.local_accounts import ShadowSuite
from toolkit.tasks.planned import PlannedHost

HASH = "$6$salt$hash"


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    people(made)
    return made


def test_a_new_user_gets_a_number_a_group_and_a_home(host: FakeHost) -> None:
    values = run(host, "user", name="ann", comment="Ann", shell="/bin/bash").values
    assert values["uid"] == values["group"] == 1000
    assert values["home"] == "/home/ann"
    assert host.files.nodes["/home/ann"].attributes.uid == 1000
    assert run(host, "user", name="daemon1", system=True, create_home=False).values["uid"] == 999


def test_later_tasks_see_a_planned_user(host: FakeHost) -> None:
    planned = PlannedHost(host)
    run(planned, "group", name="builders")
    run(planned, "user", name="ann", groups="builders")
    foreseen = run(planned, "file", path="/srv/x", state="directory", owner="ann")
    assert foreseen.values["owner"] == "ann"
    assert accounts.user(host, "ann") is None


def test_the_other_groups_are_exact_or_at_least(host: FakeHost) -> None:
    run(host, "user", name="web", groups="adm", append=True)
    assert accounts.user(host, "web") == User(
        name="web", uid=33, group="web", home="/", shell="/bin/sh", groups=("adm", "sudo")
    )
    assert not run(host, "user", name="web", groups="adm", append=True).changed
    assert not run(host, "user", name="web").changed
    changed = run(host, "user", name="web", groups=["adm"])
    assert described(changed) == ["change user web: groups adm,sudo to adm"]
    assert run(host, "user", name="web", groups=[]).changed
    found = accounts.user(host, "web")
    assert found
    assert found.groups == ()


def test_no_text_shows_a_password(host: FakeHost) -> None:
    done = run(host, "user", name="web", password=HASH)
    assert described(done) == ["set the password of web"]
    assert done.changes[0].difference() is None
    assert done.values["password"] == "NOT_LOGGING_PASSWORD"
    assert accounts.password(host, "web") == HASH
    again = run(host, "user", name="web", password="$6$other$one", update_password="on_create")
    assert not again.changed


def test_a_password_is_locked_and_unlocked(host: FakeHost) -> None:
    run(host, "user", name="web", password=HASH)
    assert described(run(host, "user", name="web", password_lock=True)) == [
        "lock the password of web"
    ]
    assert accounts.password(host, "web") == f"!{HASH}"
    assert not run(host, "user", name="web", password=HASH).changed
    assert described(run(host, "user", name="web", password_lock=False)) == [
        "unlock the password of web"
    ]


def test_what_ends_when(host: FakeHost) -> None:
    done = run(host, "user", name="web", expires=86400 * 3, password_expire_max=90)
    assert described(done) == ["set the expiry of web"]
    assert accounts.aging(host, "web") == Aging(minimum=0, maximum=90, warning=7, expires=3)
    assert not run(host, "user", name="web", expires=86400 * 3).changed
    run(host, "user", name="web", expires=-1)
    assert accounts.aging(host, "web").expires is None


def test_a_user_goes_with_the_home_when_asked(host: FakeHost) -> None:
    run(host, "user", name="ann")
    done = run(host, "user", name="ann", state="absent", remove=True)
    assert described(done) == ["remove user ann and its home"]
    assert done.changes[0].inverse() is None
    assert host.files.stat("/home/ann") is None
    assert accounts.group(host, "ann") is None
    assert not run(host, "user", name="ann", state="absent").changed


def test_a_key_pair_is_made_once(host: FakeHost) -> None:
    host.programs["ssh-keygen", "-?"] = Completed(argv=(), status=1, stdout="", stderr="")
    done = run(host, "user", name="ann", generate_ssh_key=True, ssh_key_type="ed25519")
    assert done.values["ssh_key_file"] == "/home/ann/.ssh/id_ed25519"
    assert ("ssh-keygen", "-q", "-t", "ed25519") in [argv[:4] for argv in host.executed]
    host.files.seed("/home/ann/.ssh/id_ed25519", "private")
    host.files.seed("/home/ann/.ssh/id_ed25519.pub", "public\n")
    again = run(host, "user", name="ann", generate_ssh_key=True, ssh_key_type="ed25519")
    assert (again.changed, again.values["ssh_public_key"]) == (False, "public")


def test_a_number_that_is_taken_is_refused(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="the uid 33 is that of the user 'web'"):
        run(host, "user", name="ann", uid=33)
    assert run(host, "user", name="ann", uid=33, non_unique=True).changed
    with pytest.raises(ConflictError, match="the gid 4 is that of the group 'adm'"):
        run(host, "group", name="new", gid=4)
    assert run(host, "group", name="new", gid=4, non_unique=True).changed


def test_a_group_must_be_there(host: FakeHost) -> None:
    with pytest.raises(NotFoundError, match="there is no group 'no'"):
        run(host, "user", name="ann", groups="adm,no")
    with pytest.raises(NotFoundError, match="there is no group 'no'"):
        run(host, "user", name="ann", group="no")


def test_a_primary_group_stays(host: FakeHost) -> None:
    with pytest.raises(ConflictError, match="is the primary group of 'web'"):
        run(host, "group", name="web", state="absent")
    assert run(host, "group", name="web", state="absent", force=True).changed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "a:b"}, "is no name of a user"),
        ({"name": "-x"}, "is no name of a user"),
        ({"name": "12"}, "is no name of a user"),
        ({"name": "a", "comment": "x:y"}, "comment cannot hold a colon"),
        ({"name": "a", "password": "secret"}, "password is no hash"),
        ({"name": "a", "append": True}, "append needs groups"),
        ({"name": "a", "non_unique": True}, "non_unique needs uid"),
    ],
)
def test_a_user_that_cannot_be(arguments: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        run(FakeHost(), "user", **arguments)


class Recorder:
    """Notes what is run; every program ends with ``status``."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.calls: list[tuple[tuple[str, ...], str]] = []

    def __call__(self, argv: tuple[str, ...], stdin: str) -> Completed:
        self.calls.append((argv, stdin))
        return Completed(argv=argv, status=self.status, stdout="", stderr="no")


def test_the_programs_get_what_differs() -> None:
    ran = Recorder()
    suite = ShadowSuite(ran)
    ann = User(name="ann", group="adm", groups=("a", "b"), home="/srv/ann")
    suite.add_user(ann, system=True, non_unique=False, home=NewHome(create=False))
    old, new = User(name="ann", uid=1, shell="/bin/sh"), User(name="ann", uid=2, shell="/bin/sh")
    suite.change_user(old, new, move_home=True, non_unique=True)
    suite.set_password("ann", HASH)
    suite.set_aging("ann", Aging(minimum=1))
    suite.add_group(Group(name="g", gid=7, members=("ann",)), system=False)
    assert [" ".join(argv) for argv, _ in ran.calls] == [
        "useradd --no-create-home --system --gid adm --groups a,b -d /srv/ann -- ann",
        "usermod --uid 2 --non-unique -- ann",
        "chpasswd --encrypted",
        "chage --mindays 1 --maxdays -1 --warndays -1 --expiredate -1 -- ann",
        "groupadd --gid 7 -- g",
        "gpasswd --add ann g",
    ]
    assert ran.calls[2][1] == f"ann:{HASH}\n"


def test_a_program_that_fails_is_told_with_a_hint() -> None:
    with pytest.raises(CommandError, match="useradd") as caught:
        ShadowSuite(Recorder(4)).add_user(
            User(name="a"), system=False, non_unique=False, home=NewHome()
        )
    assert "non_unique" in caught.value.hint
