"""Which versions of Docker's API are spoken, and how this engine calls itself."""

from importlib.metadata import PackageNotFoundError, version

from toolkit.core.errors import InvalidInputError

API = (1, 50)
OLDEST = (1, 41)


def _release() -> str:
    try:
        return version("dockyard")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"


RELEASE = _release()
AUTHOR = f"Dockyard/{RELEASE} (linux)"


def shown(number: tuple[int, int]) -> str:
    """As in ``1.50``."""
    return f"{number[0]}.{number[1]}"


def parse(text: str) -> tuple[int, int]:
    """The version that a path asks for, if it is spoken; Docker's words where it is not."""
    major, minor = text.split(".")
    number = int(major), int(minor)
    if number > API:
        raise InvalidInputError(
            f"client version {text} is too new. Maximum supported API version is {shown(API)}"
        )
    if number < OLDEST:
        raise InvalidInputError(
            f"client version {text} is too old. Minimum supported API version is {shown(OLDEST)},"
            " please upgrade your client to a newer version"
        )
    return number
