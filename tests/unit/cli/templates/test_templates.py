"""Templates as Go runs them; what is expected was written down from Go's own documentation."""

import pytest

from toolkit.cli.templates.template import FreeMap, Template
from toolkit.core.errors import InvalidInputError

DATA = {
    "ID": "abc",
    "N": 3,
    "F": 1.5,
    "List": ["x", "y"],
    "Empty": [],
    "Nil": None,
    "State": {"Running": True, "Pid": 12},
    "Labels": FreeMap(b="2", a="1"),
    "Label": lambda name: f"<{name}>",
    "Lazy": lambda: "now",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{.ID}}:{{ .State.Pid }}", "abc:12"),
        (
            "{{.State.Running}} {{.F}} {{.List}} {{.State}}",
            "true 1.5 [x y] map[Pid:12 Running:true]",
        ),
        ("{{.Nil}}", "<no value>"),
        ("{{.Labels.zz}}|{{.Labels.a}}", "<no value>|1"),
        ('{{.Label "x"}} {{.Lazy}}', "<x> now"),
        ('{{"q\\t\\"é"}}{{`r\\t`}}{{\'A\'}}', 'q\t"ér\\t65'),
        ("{{1}} {{-2}} {{0x1f}} {{1.50}} {{true}}", "1 -2 31 1.5 true"),
        ("{{println .N 1}}", "3 1\n"),
        ('{{print "a" 1 2 "b" 3}}', "a1 2b3"),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert Template(text).render(DATA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{if .N}}a{{else}}b{{end}}", "a"),
        ("{{if .Empty}}a{{else if .F}}b{{else}}c{{end}}", "b"),
        ("{{if .Nil}}a{{else if .Empty}}b{{else}}c{{end}}", "c"),
        ("{{with .State}}{{.Pid}}{{end}}", "12"),
        ("{{with .Nil}}a{{else with .N}}{{.}}{{end}}", "3"),
        ("{{range .List}}<{{.}}>{{end}}", "<x><y>"),
        ("{{range $i, $e := .List}}{{if $i}},{{end}}{{$e}}{{end}}", "x,y"),
        ("{{range $e := .List}}{{$e}}{{$.ID}}{{end}}", "xabcyabc"),
        ("{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"),
        ("{{range .Empty}}a{{else}}none{{end}}", "none"),
        ("{{range .N}}{{.}}{{end}}", "012"),
        ('{{range .List}}{{if eq . "y"}}{{break}}{{end}}{{.}}{{end}}', "x"),
        ('{{range .List}}{{if eq . "x"}}{{continue}}{{end}}{{.}}{{end}}', "y"),
        ("{{$x := .N}}{{range .List}}{{$x = .}}{{end}}{{$x}}", "y"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"),
        ("a  {{- .N -}}  b", "a3b"),
        ("a {{- /* said */ -}} b{{/* x */}}", "ab"),
    ],
)
def test_statements(text: str, expected: str) -> None:
    assert Template(text).render(DATA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{json .State}}{{.List | json}}", '{"Running":true,"Pid":12}["x","y"]'),
        ('{{join .List "-"}} {{split "a,b" ","}}', "x-y [a b]"),
        ('{{upper .ID}} {{"AB" | lower}} {{title "one two"}}', "ABC ab One Two"),
        ("{{truncate .ID 2}}{{truncate .ID 9}}|{{pad .ID 1 2}}|", "ababc| abc  |"),
        ("{{len .List}} {{len .ID}} {{len .Labels}}", "2 3 2"),
        ('{{index .List 1}} {{index .Labels "a"}} {{index .State "Pid"}}', "y 1 12"),
        ("{{(index .List 0)}} {{slice .ID 1}} {{slice .List 0 1}}", "x bc [x]"),
        ("{{eq .N 3}} {{eq .N 1 3}} {{ne .ID `x`}} {{eq .Nil nil}}", "true true true true"),
        ("{{lt 1 2}} {{le 2 2}} {{gt 1.5 2}} {{ge `b` `a`}}", "true true false true"),
        ("{{and .N .F}} {{and .Empty .Foo}} {{or .Nil 0 `d`}} {{not .Empty}}", "1.5 [] d true"),
        ("{{.ID | printf `%s-%s` `x`}}", "x-abc"),
        ('{{html `<a>`}} {{urlquery `a b`}} {{js `"`}}', '&lt;a&gt; a+b \\"'),
    ],
)
def test_functions(text: str, expected: str) -> None:
    assert Template(text).render(DATA) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{printf `%-6s|%6s|%.2s` .ID .ID .ID}}", "abc   |   abc|ab"),
        ("{{printf `%5d|%-5d|%05d|%+d` .N .N .N .N}}", "    3|3    |00003|+3"),
        ("{{printf `%x %X %o %b %c %U` 255 255 8 5 65 233}}", "ff FF 10 101 A U+00E9"),
        ("{{printf `%q %v %t %T` .ID .List true .N}}", '"abc" [x y] true int'),
        ("{{printf `%.1f %6.2f %g %e` .F .F .F .F}}", "1.5   1.50 1.5 1.500000e+00"),
        ("{{printf `%*d|%-*s|` 4 .N 5 .ID}}", "   3|abc  |"),
        ("{{printf `%d %s 100%%` .ID}}", "%!d(string=abc) %!s(MISSING) 100%"),
        ("{{printf `x` .N}}", "x%!(EXTRA int=3)"),
        ("{{printf `%s %x` .List `hi`}}", "[x y] 6869"),
    ],
)
def test_printf(text: str, expected: str) -> None:
    assert Template(text).render(DATA) == expected


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (0.0001, "0.0001"),
        (1e-7, "1e-07"),
        (2.0, "2"),
        (1.25e30, "1.25e+30"),
        (float("inf"), "+Inf"),
    ],
)
def test_numbers_as_go_prints_them(number: float, text: str) -> None:
    assert Template("{{.}}").render(number) == text


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{{.Foo}}", "1:3: .Foo: there is no such field", ""),
        ("a\nb {{.State.Runing}}", "2:5: .State.Runing: there is no such field", "'Running'"),
        ("{{.ID.x}}", "1:3: .ID.x: text has no fields", ""),
        ("{{.ID 1}}", "1:3: .ID: it takes no arguments", ""),
        ("{{.Label}}", "1:3: .Label: it does not take 0 arguments", ""),
        ("{{jsno .}}", "1:3: function 'jsno' is not known", "'json'"),
        ("{{.ID", "1:1: an action is not closed", "}}"),
        ('{{"a}}', "1:3: a text is not closed", ""),
        ("{{if .ID}}", "1:3: 'if' has no end", "{{end}}"),
        ("{{end}}", "1:3: 'end' without a beginning", ""),
        ("{{if 1}}{{else}}{{else}}{{end}}", "1:19: a second 'else'", ""),
        ("{{break}}", "1:3: 'break' outside of a range", ""),
        ("{{template `x`}}", "1:3: 'template' is not supported", "one piece"),
        ("{{$y}}", "1:3: variable '$y' is not declared", ""),
        ("{{index .List 7}}", "1:3: index: index 7 is out of range: there are 2", ""),
        ("{{join .ID `,`}}", "1:3: join: expected a list, not text", ""),
        ("{{eq .ID .N}}", "1:3: eq: text and a number cannot be compared", ""),
        ("{{len}}", "1:3: 'len' does not take 0 arguments", ""),
        ("{{range .ID}}{{end}}", "1:3: text has no elements", ""),
        ("{{(.ID}}", "1:3: a parenthesis is not closed", ""),
        ("{{}}", "1:3: a value is missing", ""),
        ("{{.ID | 3}}", "1:9: a value cannot take another one by '|'", ""),
        ("{{/* x }}", "1:1: a comment is not closed", "*/}}"),
        ("{{.ID ; 1}}", "1:7: ';' makes no sense in an action", ""),
        ("{{and}}", "1:3: 'and' needs an argument", ""),
        ("{{1 2}}", "1:3: a value takes no arguments", ""),
    ],
)
def test_faults_name_their_place(text: str, message: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Template(text).render(DATA)
    assert caught.value.message == f"format: {message}"
    assert hint in caught.value.hint


def test_a_template_is_run_more_than_once() -> None:
    template = Template("{{$x := .}}{{$x}}")
    assert [template.render(value) for value in (1, "b")] == ["1", "b"]
