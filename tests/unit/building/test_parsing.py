"""Dockerfiles as text: every instruction, every form, and what is said of a bad one."""

import pytest

from toolkit.building.parsing import Dockerfile, Instruction, parse, parse_trigger
from toolkit.core.errors import InvalidInputError


def _steps(*lines: str) -> tuple[Instruction, ...]:
    return parse("\n".join(("FROM base", *lines))).stages[0].steps


def _step(*lines: str) -> Instruction:
    (found,) = _steps(*lines)
    return found


def _refused(text: str) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        parse(text)
    return caught.value


def test_stages_have_names_and_arguments_stand_before_them() -> None:
    file = parse("ARG V=1\nFROM a:$V AS Build\nRUN x\nfrom build\nCOPY --from=build /a /b\n")
    assert [pairs for one in file.arguments for pairs in one.pairs] == [("V", "1")]
    assert [(one.name, one.base) for one in file.stages] == [("build", "a:$V"), ("", "build")]
    assert file.stages[1].steps[0].flag("from") == "build"


def test_lines_go_on_over_comments_and_empty_lines() -> None:
    step = _step("RUN a \\", "  # a comment", "", "  && b \\  ", "  && c")
    assert step.words == ("a   && b   && c",)
    assert step.place.line == 2


def test_a_doubled_escape_at_the_end_is_no_continuation() -> None:
    first, second = _steps("RUN echo a\\\\", "RUN b")
    assert (first.words, second.words) == (("echo a\\\\",), ("b",))


def test_another_escape_character_by_a_directive() -> None:
    file = parse("# escape=`\n\nFROM a\nRUN dir c:\\`\n  /s\n")
    assert file.escape == "`"
    assert file.stages[0].steps[0].words == ("dir c:\\  /s",)


@pytest.mark.parametrize("line", ["syntax=docker/dockerfile:1", "check=skip=all", "syntax = x/y"])
def test_directives_are_known_by_name(line: str) -> None:
    if "x/y" in line:
        assert "another program" in _refused(f"# {line}\nFROM a").message
    else:
        assert parse(f"# {line}\nFROM a").stages


def test_a_directive_after_a_comment_is_a_comment() -> None:
    assert parse("# hello\n# escape=x\nFROM a").escape == "\\"


def test_a_byte_order_mark_and_foreign_line_ends_are_fine() -> None:
    assert parse("\ufeffFROM a\r\nRUN b \\\r\n c\r\n").stages[0].steps[0].words == ("b  c",)


@pytest.mark.parametrize(
    ("line", "words", "exec_form"),
    [
        ("RUN echo hi", ("echo hi",), False),
        ('RUN ["echo", "hi"]', ("echo", "hi"), True),
        ("RUN [not json]", ("[not json]",), False),
        ("RUN ['a']", ("['a']",), False),
        ("CMD", (), False),
        ("CMD []", (), True),
        ('ENTRYPOINT ["a"]', ("a",), True),
        ('SHELL ["/bin/bash", "-c"]', ("/bin/bash", "-c"), True),
        ("WORKDIR a b", ("a b",), False),
        ("USER 1000:1000", ("1000:1000",), False),
        ("STOPSIGNAL SIGQUIT", ("SIGQUIT",), False),
        ("MAINTAINER me <me@x>", ("me <me@x>",), False),
        ("EXPOSE 80 443/tcp", ("80", "443/tcp"), False),
        ('VOLUME ["/a b", "/c"]', ("/a b", "/c"), True),
        ("VOLUME /a /b", ("/a", "/b"), False),
        ("COPY a b /c/", ("a", "b", "/c/"), False),
        ('ADD ["a b", "/c"]', ("a b", "/c"), True),
        ("HEALTHCHECK NONE", ("NONE",), False),
        ("HEALTHCHECK CMD curl -f x", ("CMD-SHELL", "curl -f x"), False),
        ('HEALTHCHECK CMD ["curl"]', ("CMD", "curl"), True),
        ("ONBUILD RUN x", ("RUN x",), False),
    ],
)
def test_forms_of_instructions(line: str, words: tuple[str, ...], *, exec_form: bool) -> None:
    step = _step(line)
    assert (step.words, step.exec_form) == (words, exec_form)
    assert step.name == line.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        ("ENV a=b c='d e'", (("a", "b"), ("c", "'d e'"))),
        ("ENV a b c", (("a", "b c"),)),
        ("LABEL a.b=c", (("a.b", "c"),)),
        ("ARG a", (("a", None),)),
        ("ARG a= b=c", (("a", ""), ("b", "c"))),
    ],
)
def test_names_and_values(line: str, pairs: tuple[tuple[str, str | None], ...]) -> None:
    assert _step(line).pairs == pairs


def test_flags_come_first_and_may_be_quoted() -> None:
    step = _step('RUN --mount=type=cache,target=/a --mount="type=tmpfs,target=/b" --network=none c')
    assert step.all_of("mount") == ("type=cache,target=/a", "type=tmpfs,target=/b")
    assert step.flag("network") == "none"
    assert step.words == ("c",)


def test_a_here_document_is_kept_as_it_stands() -> None:
    step = _step("RUN <<EOF cat", "  # no comment \\", "", "$x", "EOF")
    assert step.heredocs[0].text == "  # no comment \\\n\n$x\n"
    assert step.heredocs[0].expands


def test_several_here_documents_and_their_spellings() -> None:
    step = _step("COPY <<-'one' <<\"two\" /x/", "\ta", "\tone", "b", "two")
    first, second = step.heredocs
    assert (first.name, first.text, first.expands) == ("one", "a\n", False)
    assert (second.name, second.text, second.expands) == ("two", "b\n", False)


@pytest.mark.parametrize("line", ["RUN echo $((1<<2))", "RUN cat <<<word", "ENV a=<<b"])
def test_what_only_looks_like_a_here_document(line: str) -> None:
    assert _step(line).heredocs == ()


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("FROM a\nRUNN x", "Dockerfile:2: 'RUNN' is no instruction", "did you mean 'RUN'?"),
        ("FORM a", "Dockerfile:1: 'FORM' is no instruction", "did you mean 'FROM'?"),
        ("", "holds no instruction", "FROM"),
        ("# nothing\n", "holds no instruction", "FROM"),
        ("RUN x", "stands before the first FROM", "ARG"),
        ("ARG x", "has no FROM", ""),
        ("FROM a b", "an image is expected", ""),
        ("FROM a AS 1b", "no name of a stage", ""),
        ("FROM a AS b\nFROM c AS B", "two stages 'b'", ""),
        ("FROM a\nCOPY x", "at least one source", ""),
        ("FROM a\nENV x", "has no value", ""),
        ("FROM a\nENV x=y z", "'z' is not NAME=VALUE", ""),
        ("FROM a\nRUN", "a command is expected", ""),
        ("FROM a\nRUN []", "the list is empty", ""),
        ("FROM a\nSHELL /bin/sh", "JSON list", ""),
        ("FROM a\nWORKDIR", "an argument is expected", ""),
        ("FROM a\nEXPOSE", "at least one argument", ""),
        ("FROM a\nHEALTHCHECK x", "CMD and a command", ""),
        ("FROM a\nHEALTHCHECK --interval=1s NONE", "no flags", ""),
        ("FROM a\nONBUILD FROM b", "FROM is no trigger", ""),
        ("FROM a\nONBUILD RUNN b", "'RUNN' is no instruction", "did you mean 'RUN'?"),
        ("FROM a\nCOPY --chwon=1 a b", "--chwon is no flag of it: did you mean 'chown'?", ""),
        ("FROM a\nCOPY --chown a b", "--chown needs a value", ""),
        ("FROM a\nCOPY --chown=1 --chown=2 a b", "given twice", ""),
        ("FROM a\nRUN --security=insecure x", "not supported: a build runs nothing", ""),
        ("FROM a\nRUN <<EOF\nx", "'EOF' has no end", "alone on a line"),
        ("# escape=x\nFROM a", "escape is", ""),
        ("# escape=`\n# escape=`\nFROM a", "stands here twice", ""),
    ],
)
def test_a_bad_file_is_refused_with_its_line(text: str, said: str, hint: str) -> None:
    error = _refused(text)
    assert said in error.message
    assert error.message.startswith("Dockerfile:")
    assert hint in error.hint


def test_a_trigger_is_an_instruction_again() -> None:
    step = _step("ONBUILD COPY <<EOF /x", "a", "EOF")
    again = parse_trigger(step.words[0], file="ONBUILD of base")
    assert (again.name, again.heredocs[0].text) == ("COPY", "a\n")


def test_whole_files_are_values() -> None:
    assert parse("FROM a") == parse("FROM a")
    assert isinstance(parse("FROM a"), Dockerfile)
