"""What was done is undone, the last first, whatever happens."""

import pytest

from toolkit.core.undo import Forgiven, Undo


def test_the_last_first() -> None:
    done: list[str] = []
    with Undo() as undo:
        undo.callback(done.append, "first")
        undo.callback(lambda *, word: done.append(word), word="second")
        assert done == []
    assert done == ["second", "first"]


def test_also_after_a_failure() -> None:
    done: list[int] = []

    def work() -> None:
        with Undo() as undo:
            undo.callback(done.append, 1)
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        work()
    assert done == [1]


def test_a_failure_does_not_keep_the_rest_from_being_undone() -> None:
    done: list[int] = []

    def fail(text: str) -> None:
        raise OSError(text)

    undo = Undo()
    undo.callback(done.append, 1)
    undo.callback(fail, "outer")
    undo.callback(fail, "inner")
    with pytest.raises(OSError, match="outer") as caught:
        undo.close()
    assert done == [1]
    assert str(caught.value.__context__) == "inner"


def test_what_is_handed_over_is_not_undone_here() -> None:
    done: list[int] = []
    with Undo() as undo:
        undo.callback(done.append, 1)
        later = undo.pop_all()
    assert done == []
    later.close()
    assert done == [1]


def test_things_are_closed() -> None:
    class Thing:
        closed = False

        def close(self) -> None:
            self.closed = True

    thing = Thing()
    with Undo() as undo:
        undo.closing(thing)
        assert not thing.closed
    assert thing.closed


def test_only_what_is_forgiven_is_forgotten() -> None:
    with Forgiven(FileNotFoundError, ValueError):
        raise FileNotFoundError
    with pytest.raises(PermissionError), Forgiven(FileNotFoundError):
        raise PermissionError
