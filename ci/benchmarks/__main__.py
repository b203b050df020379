"""Run the groups that were named, print a table, write the rows."""

import argparse
import importlib
import json
import tempfile
from pathlib import Path

import benchmarks
from benchmarks.measure import Row

GROUPS = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if "\ndef rows(" in path.read_text()
)


def line(row: Row) -> str:
    """One line of the table: name, ours, peer, ratio, goal and whether it is met."""
    met = "met" if row.ratio <= row.goal else "missed"
    figures = f"{row.ours:>10.4f} {row.peer:>10.4f} {row.unit:<4} {row.ratio:>6.2f}x"
    return f"{row.name:<24} {figures}   goal {row.goal:.2f}x {met}"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="ci/bench", description=benchmarks.__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; default all"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the rows, one JSON list")
    options = parser.parse_args()
    unknown = set(options.groups) - set(GROUPS)
    if unknown:
        parser.error(f"no group '{min(unknown)}'; there are {', '.join(GROUPS)}")
    rows = []
    print(f"{'':<24} {'ours':>10} {'peer':>10}")
    for group in options.groups or GROUPS:
        module = importlib.import_module(f"benchmarks.{group}")
        with tempfile.TemporaryDirectory(prefix="dockyard-bench-") as folder:
            for row in module.rows(Path(folder)):
                rows.append(row)
                print(line(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps([row.as_data() for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
