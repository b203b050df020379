"""Names for containers that were given none: an adjective and a builder of things."""

import os

from toolkit.core.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
ADJECTIVES = (
    "able agile amber ample ardent artful autumn balmy blithe bold brave breezy bright brisk "
    "calm candid careful cheery chirpy civil clever coastal cobalt copper cosy crisp curious "
    "daring dapper deft dewy eager early earnest elated even exact fair fearless festive fleet "
    "fluent fond frank fresh frosty gallant gentle gifted glad golden grand hardy hearty honest "
    "humble ideal indigo jolly jovial joyful keen kind lively loyal lucid lunar lush mellow "
    "merry mighty mindful mirthful modest neat nimble noble patient plucky polite prime proud "
    "quick quiet rapid ready regal robust rosy rustic serene sharp silent silver sleek smart "
    "snug solar solid spirited spry stable steady stellar stoic sturdy subtle sunny swift tidal "
    "tidy tranquil trusty upbeat vivid warm wavy willing windy wise witty young zesty"
)
BUILDERS = (
    "ampere anning archimedes babbage bardeen basov bell boole brahe braille brunel carson cerf "
    "chandrasekhar cori coulomb cray curie daguerre darwin davy diesel dijkstra eiffel euclid "
    "euler fahrenheit faraday fermi fleming franklin fulton galileo galvani gauss germain "
    "gutenberg halley hamilton heaviside hero herschel hertz hopper huygens hypatia jacquard "
    "joule kelvin kepler khayyam knuth kovalevskaya lagrange lamarr leibniz linnaeus lovelace "
    "marconi maxwell meitner mendel montgolfier morse napier newton nightingale nobel noether "
    "ohm otto papin pascal pasteur planck ritchie roebling rontgen rubin shannon siemens "
    "somerville stephenson tesla thompson torricelli turing vaucanson vitruvius volta wankel "
    "watt wheatstone wren yalow zuse"
)


def random_name(taken: "Callable[[str], bool]") -> str:
    """A free name; after a few busy ones a number is added."""
    for attempt in range(100):
        name = f"{_pick(ADJECTIVES)}_{_pick(BUILDERS)}"
        if attempt >= 5:
            name += str(os.urandom(2)[0] % 10**2)
        if not taken(name):
            return name
    return f"{_pick(ADJECTIVES)}_{os.urandom(6).hex()}"


def check_name(asked: str) -> str:
    """The name; ``InvalidInputError`` for one that no container can have."""
    if len(asked) < 2 or not set(asked) <= _NAME or asked[0] in "_.-":
        raise InvalidInputError(
            f"'{asked}' is no name for a container",
            hint="two or more of letters, digits, _ . and -, the first a letter or a digit",
        )
    return asked


def random_id() -> str:
    """64 hex digits with a letter among the first 12, so that a short id is never a number."""
    while True:
        found = os.urandom(32).hex()
        if not found[:12].isdigit():
            return found


def _pick(text: str) -> str:
    words = text.split()
    return words[int.from_bytes(os.urandom(4), "little") % len(words)]
