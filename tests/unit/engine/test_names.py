from toolkit.engine.names import ADJECTIVES, BUILDERS, random_id, random_name


def test_words_are_lower_case_and_unique() -> None:
    for words in (ADJECTIVES.split(), BUILDERS.split()):
        assert len(set(words)) == len(words) > 90
        assert all(word.isalpha() and word.islower() for word in words)


def test_a_name_is_an_adjective_and_a_builder() -> None:
    adjective, _, builder = random_name(lambda _: False).partition("_")
    assert adjective in ADJECTIVES.split()
    assert builder in BUILDERS.split()


def test_busy_names_get_a_number() -> None:
    assert random_name(lambda name: not name[-1].isdigit())[-1].isdigit()


def test_when_all_are_busy_a_name_is_still_found() -> None:
    assert len(random_name(lambda _: True).partition("_")[2]) == 12


def test_ids() -> None:
    made = {random_id() for _ in range(100)}
    assert len(made) == 100
    assert all(len(found) == 64 and not found[:12].isdigit() for found in made)
