"""Which test of the runtime is about which published bug of another one.

A bug counts as held only while its test is there: a test that is renamed or removed fails here.
"""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent
OCI = "root/oci/test_advisories.py"
SAFETY = "root/oci/test_safety.py"
ESCAPE = "root/runtime/test_escape.py"

ADVISORIES = {
    "CVE-2016-9962": [(OCI, "test_an_exec_cannot_be_traced_before_its_program_runs")],
    "CVE-2019-5736": [
        (SAFETY, "test_a_created_init_runs_from_what_nobody_can_write"),
        (ESCAPE, "test_the_interpreter_cannot_be_overwritten_once_nobody_runs_it"),
        (ESCAPE, "test_an_init_cannot_be_overwritten_by_who_may_trace_it"),
    ],
    "CVE-2019-19921": [
        (OCI, "test_a_mount_point_that_is_a_link"),
        (OCI, "test_a_parameter_is_written_to_the_kernel_only"),
    ],
    "CVE-2020-15257": [
        (OCI, "test_abstract_sockets_of_the_host_are_out_of_reach"),
        (OCI, "test_our_own_sockets_have_names_that_permissions_guard"),
    ],
    "CVE-2021-30465": [
        (OCI, "test_a_directory_that_is_swapped_for_a_link_during_starts"),
        (ESCAPE, "test_a_link_in_the_image_never_leads_out"),
    ],
    "CVE-2022-0492": [(OCI, "test_groups_of_control_cannot_be_written")],
    "CVE-2022-0811": [("unit/runtime/test_support.py", "test_parameters_of_the_host_are_refused")],
    "CVE-2022-24769": [(OCI, "test_no_capability_is_inheritable_unless_asked_for")],
    "CVE-2022-29162": [(OCI, "test_no_capability_is_inheritable_unless_asked_for")],
    "CVE-2022-36109": [(OCI, "test_only_the_groups_that_are_asked_for")],
    "CVE-2023-25809": [(OCI, "test_groups_of_control_cannot_be_written")],
    "CVE-2023-27561": [(OCI, "test_a_mount_point_that_is_a_link")],
    "CVE-2023-28642": [(OCI, "test_a_mount_point_that_is_a_link")],
    "CVE-2024-21626": [
        (SAFETY, "test_no_descriptor_is_a_working_directory"),
        (SAFETY, "test_only_stdio_is_open_in_the_program"),
        (ESCAPE, "test_no_descriptor_is_a_working_directory"),
    ],
    "CVE-2024-40635": [("unit/oci/test_spec.py", "test_a_fault_is_named_by_its_path")],
    "CVE-2024-45310": [(ESCAPE, "test_a_dangling_link_as_target_makes_no_file_outside")],
    "CVE-2025-31133": [(ESCAPE, "test_a_false_null_device_in_the_image_is_refused")],
    "CVE-2025-52565": [("root/runtime/test_terminal.py", "test_the_console_is_the_terminal")],
    "CVE-2025-52881": [
        (OCI, "test_a_parameter_is_written_to_the_kernel_only"),
        ("unit/runtime/test_labels.py", "*"),
    ],
    "CVE-2026-41579": [(OCI, "test_a_mount_point_that_is_a_link")],
    "CVE-2026-55686": [
        (OCI, "test_a_working_directory_that_the_user_cannot_enter"),
        (OCI, "test_a_working_directory_behind_a_link"),
    ],
}


def names(path: str) -> set[str]:
    tree = ast.parse((HERE / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("advisory", ADVISORIES)
def test_its_tests_are_there(advisory: str) -> None:
    for path, name in ADVISORIES[advisory]:
        assert name == "*" or name in names(path), f"{path}::{name}"


def test_every_test_of_advisories_is_about_one() -> None:
    about = {name for tests in ADVISORIES.values() for path, name in tests if path == OCI}
    assert about == {name for name in names(OCI) if name.startswith("test_")}
