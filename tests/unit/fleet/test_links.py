import pytest

from toolkit.core.errors import ConflictError, InvalidInputError, UnavailableError
from toolkit.fleet.links import Links, Options, target
from toolkit.ssh.target import Target


def test_this_machine_needs_no_ssh() -> None:
    assert target("localhost", {}, Options()) is None
    assert target("web", {"ansible_connection": "local"}, Options()) is None


def test_an_inventorys_variables_say_where_and_how() -> None:
    variables = {
        "ansible_host": "10.0.0.1",
        "ansible_port": "2222",
        "ansible_user": "admin",
        "ansible_ssh_private_key_file": "/k",
        "ansible_become": "yes",
        "dockyard_known_hosts": "/known",
        "dockyard_accept_new": "true",
        "dockyard_agent_dir": "/opt/dockyard",
    }
    assert target("web", variables, Options(known_hosts=("/mine",))) == Target(
        host="web",
        address="10.0.0.1",
        port=2222,
        user="admin",
        key_files=("/k",),
        known_hosts=("/mine", "/known"),
        accept_new=True,
        become="root",
        agent_dir="/opt/dockyard",
    )


def test_a_bare_host_leaves_the_rest_to_ssh() -> None:
    assert target("web", {}, Options()) == Target(host="web", address="web")


@pytest.mark.parametrize(
    ("variables", "option", "user"),
    [
        ({}, "", ""),
        ({"ansible_become": False}, "", ""),
        ({"ansible_become": True, "ansible_become_user": "www"}, "", "www"),
        ({"ansible_become": True, "ansible_become_user": "www"}, "root", "root"),
        ({}, "root", "root"),
    ],
)
def test_become(variables: dict[str, object], option: str, user: str) -> None:
    where = target("web", variables, Options(become=option))
    assert where is not None
    assert where.become == user


def test_a_wrong_port_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="ansible_port"):
        target("web", {"ansible_port": "x"}, Options())


def test_closing_ends_every_link() -> None:
    with Links() as links:
        first, second = links.open("localhost", {}), links.open("localhost", {})
        assert first.call("ping", {"echo": 1}).result["echo"] == 1
    for link in (first, second):
        with pytest.raises(UnavailableError, match="the link is closed"):
            link.call("ping", {})
    with pytest.raises(ConflictError, match="stopped before it was asked"):
        links.open("localhost", {})


def test_a_local_prefix_is_used() -> None:
    with Links(Options(local_prefix=("env", "A=b"))) as links:
        link = links.open("localhost", {})
        assert link.call("run", {"argv": ["sh", "-c", "echo $A"]}).result["stdout"] == "b\n"


def test_what_the_command_line_says_is_for_hosts_of_which_the_inventory_is_silent() -> None:
    options = Options(user="me", key="/k", password="typed", become="root", become_password="asked")
    silent = target("a", {}, options)
    assert silent is not None
    assert (silent.user, silent.key_files, silent.password) == ("me", ("/k",), "typed")
    assert (silent.become, silent.become_password) == ("root", "asked")
    told = {
        "ansible_user": "it",
        "ansible_ssh_private_key_file": "/other",
        "ansible_ssh_pass": "login",
        "ansible_become_pass": "sudo",
    }
    where = target("a", told, options)
    assert where is not None
    assert (where.user, where.key_files, where.password) == ("it", ("/other",), "login")
    assert where.become_password == "sudo"
    assert "sudo" not in repr(where)
    assert "login" not in repr(where)
    assert "typed" not in repr(options)
