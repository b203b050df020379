from toolkit.facts.packages import dpkg_status

STATUS = """\
Package: curl
Status: install ok installed
Priority: optional
Architecture: amd64
Multi-Arch: foreign
Version: 7.88.1-10+deb12u12
Description: transfers data
 Package: is no field here, nor is
 Version: 1

Package: dpkg
Essential: yes
Status: hold ok installed
Architecture: amd64
Version: 1.21.22

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 1.0

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-8
"""


def test_what_is_installed_has_its_version() -> None:
    found = dpkg_status(STATUS)
    assert found["curl"] == "7.88.1-10+deb12u12"
    assert found["dpkg"] == "1.21.22"


def test_what_left_only_its_configuration_is_not_installed() -> None:
    assert {"gone", "half"} & set(dpkg_status(STATUS)) == set()


def test_a_foreign_architecture_stands_beside_the_native_one() -> None:
    found = dpkg_status(STATUS)
    assert found["libc6"] == "2.36-9"
    assert found["libc6:i386"] == "2.36-8"


def test_no_database_means_no_packages() -> None:
    assert dpkg_status("") == {}
