"""From what people write to a task: names, types, and every fault at once."""

from typing import Any

import pytest

from toolkit.core.errors import InvalidInputError, NotFoundError
from toolkit.tasks import registry
from toolkit.tasks.file import File, State
from toolkit.tasks.package import Package
from toolkit.tasks.service import Service
from toolkit.tasks.sysctl import Sysctl


def build(task: str, /, **arguments: object) -> object:
    return registry.build(task, arguments)


def never(_: object) -> bool:
    return False


def braces(value: object) -> bool:
    return isinstance(value, str) and "{{" in value


def test_an_unknown_task_has_a_nearest_name() -> None:
    with pytest.raises(NotFoundError, match=r"there is no task 'ansible.builtin.coppy'") as caught:
        registry.load("ansible.builtin.coppy")
    assert caught.value.hint == "did you mean 'copy'?"


@pytest.mark.parametrize("name", ["host", "registry", "changes", "../copy", "os"])
def test_a_file_without_the_mark_is_no_task(name: str) -> None:
    with pytest.raises(NotFoundError):
        registry.load(name)


def test_ansibles_other_names_work() -> None:
    made = build("sysctl", key="vm.swappiness", val=10)
    assert made == Sysctl(name="vm.swappiness", value="10")


@pytest.mark.parametrize("written", ["yes", "on", "True", "1", 1, True])
def test_yes_is_true(written: object) -> None:
    assert build("service", name="a", enabled=written) == Service(name="a", enabled=True)


@pytest.mark.parametrize("written", ["jq, curl", ["jq", "curl"], ("jq", "curl")])
def test_a_list_may_be_text(written: object) -> None:
    assert build("package", name=written) == Package(name=("jq", "curl"))


def test_numbers_become_text_where_text_is_wanted() -> None:
    made = build("file", path="/a", owner=0, state="touch")
    assert made == File(path="/a", owner="0", state=State.TOUCH)


@pytest.mark.parametrize(
    ("written", "meant"),
    [(644, "0644"), (420, "0644"), (493, "0755"), (755, "0755"), (416, "0640"), (1023, "1777")],
)
def test_a_mode_without_quotes_is_refused_with_what_was_meant(written: int, meant: str) -> None:
    with pytest.raises(InvalidInputError, match=f"file: mode: expected text, not {written}") as e:
        registry.build("file", {"path": "/a", "mode": written})
    assert f'write mode: "{meant}"' in e.value.hint


def test_every_fault_is_found_at_once() -> None:
    faults = registry.faults("file", {"pth": "/a", "state": "linked", "recurse": 7}, template=never)
    assert [(fault.key, fault.hint) for fault in faults if fault.key == "pth"] == [
        ("pth", "did you mean 'path'?")
    ]
    assert {fault.key for fault in faults} == {"pth", "path", "state", "recurse"}


def test_a_template_is_taken_as_it_is() -> None:
    arguments = {"path": "{{ where }}", "recurse": "{{ deep }}", "state": "{{ state }}"}
    assert registry.faults("file", arguments, template=braces) == []


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("file", {"path": "/a", "state": "hard"}, "needs src"),
        ("file", {"path": "/a", "state": "touch", "src": "/b"}, "makes no sense"),
        ("file", {"path": "/a", "state": "file", "recurse": True}, "recurse needs state"),
        ("copy", {"dest": "/a"}, "needs either src or content"),
        ("copy", {"dest": "/a/", "content": ""}, "needs the name of a file"),
        ("copy", {"dest": "/a", "content": "", "mode": "preserve"}, "remote_src only"),
        ("sysctl", {"name": "a.b"}, "value is missing"),
        ("service", {"name": "a"}, "needs one of state"),
        ("service", {"state": "started"}, "name is missing"),
        ("package", {"name": "No Such"}, "is no name of a package"),
        ("package", {"state": "latest"}, "name is missing"),
        ("bridge", {"name": "much-too-long-a-name"}, "is no name for a link"),
        ("bridge", {"name": "b0;reboot"}, "is no name for a bridge"),
        ("bridge", {"name": "b0", "address": "10.0.0.1"}, "has no prefix length"),
        ("bridge", {"name": "b0", "address": "10.0.0.0/24"}, "is the network itself"),
        ("bridge", {"name": "b0", "address": "10.0.0.400/24"}, "is no address"),
        ("bridge", {"name": "b0", "mtu": 10}, "no bridge can have an mtu of 10"),
        ("cgroup_delegation", {"controllers": ["memry"]}, "'memry' is no cgroup controller"),
        ("cgroup_delegation", {"unit": "a.socket"}, "is no service, scope or slice"),
        ("modprobe", {"name": "../x"}, "is no name of a kernel module"),
        ("template", {"src": "a", "dest": "/a", "newline_sequence": "x"}, "newline_sequence"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_host_is_touched(
    name: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        registry.build(name, arguments)


def test_the_place_comes_first_in_the_message() -> None:
    with pytest.raises(InvalidInputError, match=r"^site.yml:4: copy: dst: unknown key") as caught:
        registry.build("copy", {"dst": "/a", "content": ""}, at="site.yml:4")
    assert caught.value.hint == "did you mean 'dest'?"
