"""Users and groups of this machine, by the programs of the package ``passwd``."""

from collections.abc import Callable

from toolkit.core.errors import CommandError, UnsupportedError
from toolkit.core.process import Completed
from toolkit.facts.accounts import Aging, Group, User
from toolkit.tasks.host import NewHome

_HINTS = {  # useradd(8), groupadd(8), EXIT VALUES
    4: "the number is taken; 'non_unique: true' allows it all the same",
    6: "a group that is asked for does not exist; make it first, with the task 'group'",
    8: "the user has processes that run; end them, or use 'force: true' for a removal",
    10: "the databases cannot be written; is /etc read-only, or locked by another program?",
}


class ShadowSuite:
    """``tasks.host.Accounts`` by ``useradd`` and its kin; ``run`` runs a program with its stdin."""

    def __init__(self, run: Callable[[tuple[str, ...], str], Completed]) -> None:
        self._run = run

    def add_group(self, group: Group, *, system: bool, non_unique: bool = False) -> None:
        """``groupadd``."""
        flags = [*(("--system",) if system else ()), *(("--non-unique",) if non_unique else ())]
        number = ("--gid", str(group.gid)) if group.gid >= 0 else ()
        self._do("groupadd", *flags, *number, "--", group.name)
        for member in group.members:
            self._do("gpasswd", "--add", member, group.name)

    def change_group(self, old: Group, new: Group) -> None:
        """``groupmod``; only its number changes."""
        self._do("groupmod", "--gid", str(new.gid), "--non-unique", "--", old.name)

    def remove_group(self, name: str) -> None:
        """``groupdel``."""
        self._do("groupdel", "--", name)

    def add_user(self, user: User, *, system: bool, non_unique: bool, home: NewHome) -> None:
        """``useradd``."""
        words = ["--create-home" if home.create else "--no-create-home"]
        words += ["--system"] if system else []
        words += ["--non-unique"] if non_unique else []
        words += ["--skel", home.skeleton] if home.skeleton and home.create else []
        words += ["--key", f"UMASK={home.umask}"] if home.umask and home.create else []
        words += ["--uid", str(user.uid)] if user.uid >= 0 else []
        words += ["--gid", user.group] if user.group else ["--user-group"]
        words += ["--groups", ",".join(user.groups)] if user.groups else []
        for flag, value in _texts(user).items():
            words += [flag, value] if value else []
        self._do("useradd", *words, "--", user.name)

    def change_user(self, old: User, new: User, *, move_home: bool, non_unique: bool) -> None:
        """``usermod`` with what differs."""
        words: list[str] = []
        if new.uid != old.uid:
            words += ["--uid", str(new.uid), *(["--non-unique"] if non_unique else [])]
        words += ["--gid", new.group] if new.group != old.group else []
        words += ["--groups", ",".join(new.groups)] if new.groups != old.groups else []
        for flag, value in _texts(new).items():
            words += [flag, value] if value != _texts(old)[flag] else []
        if move_home and new.home != old.home:
            words.append("--move-home")
        self._do("usermod", *words, "--", new.name)

    def remove_user(self, name: str, *, remove: bool, force: bool) -> None:
        """``userdel``."""
        flags = [*(("--remove",) if remove else ()), *(("--force",) if force else ())]
        self._do("userdel", *flags, "--", name)

    def set_password(self, name: str, password: str) -> None:
        """``chpasswd``, which reads the hash on stdin, so that no process list shows it."""
        self._do("chpasswd", "--encrypted", stdin=f"{name}:{password}\n")

    def set_aging(self, name: str, aging: Aging) -> None:
        """``chage``; ``-1`` takes a limit away."""
        days = {
            "--mindays": aging.minimum,
            "--maxdays": aging.maximum,
            "--warndays": aging.warning,
            "--expiredate": aging.expires,
        }
        words = [
            word
            for flag, value in days.items()
            for word in (flag, "-1" if value is None else str(value))
        ]
        self._do("chage", *words, "--", name)

    def _do(self, *argv: str, stdin: str = "") -> None:
        done = self._run(argv, stdin)
        if done.status == 127:
            raise UnsupportedError(
                f"this host has no '{argv[0]}'", hint="install the package 'passwd'"
            )
        if done.status != 0:
            raise CommandError(argv, done.status, done.stderr, hint=_HINTS.get(done.status, ""))


def _texts(user: User) -> dict[str, str]:
    return {"--comment": user.comment, "-d": user.home, "--shell": user.shell}
