"""A reader that goes away."""

import os

from toolkit.cli.output.stdout import Stdout


def test_a_reader_that_goes_away_stops_nothing() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as stream:
        stdout = Stdout(stream)
        stdout.write("a\n")
        assert os.read(reader, 10) == b"a\n"
        os.close(reader)
        stdout.write("b\n")
        stdout.write("c\n")
