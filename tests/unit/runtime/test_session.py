"""A client's end of a session: events are noted once and survive an interruption."""

import pytest

from toolkit.core.errors import UnavailableError
from toolkit.runtime import messages
from toolkit.runtime.client import Session, StartError


def test_an_interrupted_client_hears_the_event_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = messages.pair()
    messages.send(theirs, {"event": "started", "pid": 7})
    messages.send(theirs, {"event": "exit", "status": 3, "oom": False, "finished": "now"})
    heard = messages.peek

    def interrupted(sock: messages.Socket) -> object:
        heard(sock)
        raise KeyboardInterrupt

    with Session(ours, "it failed") as session:
        with monkeypatch.context() as patch:
            patch.setattr(messages, "peek", interrupted)
            with pytest.raises(KeyboardInterrupt):
                session.started()
        assert (session.started(), session.started()) == (7, 7)
        assert (session.wait(), session.wait()) == (3, 3)
    theirs.close()


def test_a_failure_and_a_lost_shim_are_different() -> None:
    ours, theirs = messages.pair()
    failure = {"event": "error", "text": "mount: no", "path": "/x", "hint": "try", "status": 127}
    messages.send(theirs, failure)
    with Session(ours, "it failed") as session:
        with pytest.raises(StartError, match="it failed: mount: no: '/x'") as caught:
            session.started()
        assert (caught.value.hint, caught.value.exit_status) == ("try", 127)
    theirs.close()
    ours, theirs = messages.pair()
    theirs.close()
    with Session(ours, "it failed") as session, pytest.raises(UnavailableError, match="shim is"):
        session.started()
