"""The names of lookups, and which of them make a loop; no code, so that a loader can check them."""

HERE = frozenset(
    {
        "cartesian",
        "dict",
        "flattened",
        "indexed_items",
        "inventory_hostnames",
        "items",
        "list",
        "nested",
        "random_choice",
        "sequence",
        "subelements",
        "together",
        "varnames",
        "vars",
    }
)
"""Those that the host itself evaluates, because they only see values."""
CONTROLLER = frozenset({"env", "file", "fileglob", "first_found", "lines", "password", "pipe"})
"""Those that the controller evaluates, as in Ansible, because they see its files and programs."""
PATH_TESTS = ("abs", "directory", "exists", "file", "link", "link_exists", "mount")
LOOPS = HERE | CONTROLLER | {"template"}
KNOWN = LOOPS
