"""One build as asked for."""

from toolkit.core.record import record


@record
class Secret:
    """A file, or the value of a variable, that RUN steps may see and no layer holds."""

    name: str
    data: bytes


@record
class BuildRequest:
    """What ``build`` is asked.

    ``context`` is a directory, or empty for none; ``dockerfile`` is the file's text and ``file``
    its name in messages; ``ignore`` is the text of the context's ``.dockerignore``. ``tags`` are
    names for the image, ``arguments`` build arguments, ``labels`` are added at the end. ``target``
    is a stage's name or number. ``network`` is ``default``, ``none``, ``host`` or a network's
    name. ``epoch`` is SOURCE_DATE_EPOCH, None where unset.
    """

    context: str = ""
    dockerfile: str
    file: str = "Dockerfile"
    ignore: str = ""
    tags: tuple[str, ...] = ()
    arguments: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    target: str = ""
    no_cache: bool = False
    pull: bool = False
    network: str = "default"
    secrets: tuple[Secret, ...] = ()
    epoch: int | None = None
    add_hosts: tuple[str, ...] = ()
    jobs: int = 4
