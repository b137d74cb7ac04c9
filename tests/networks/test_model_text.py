import keyword
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diagnose.errors import DiagnoseError, UsageError
from diagnose.networks import parse

LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z").filter(lambda name: not keyword.iskeyword(name))


@pytest.mark.parametrize(
    ("text", "source", "name", "kwargs"),
    [
        ("torch", "alias", "torch", {}),
        ("  torch( ) ", "alias", "torch", {}),
        ("prodpoly(blocks=[2, 2, 1, 1])", "alias", "prodpoly", {"blocks": [2, 2, 1, 1]}),
        ("torchvision:resnet50(num_classes=-1)", "torchvision", "resnet50", {"num_classes": -1}),
        ("timm:resnet18.a1_in1k", "timm", "resnet18.a1_in1k", {}),
        ("mmpretrain:path/to/config.py", "mmpretrain", "path/to/config.py", {}),
        ("mmpretrain:a(1)/c.py(head={'num_classes': 3})", "mmpretrain", "a(1)/c.py", {"head": {"num_classes": 3}}),
        ("path/to/file.py:factory(depth=20)", "user", "path/to/file.py:factory", {"depth": 20}),
        ("../odd (1)/net.py:Net.small", "user", "../odd (1)/net.py:Net.small", {}),
        ("C:/nets/net.py:f", "user", "C:/nets/net.py:f", {}),
        ("package.module:Class(a=None, b='(')", "user", "package.module:Class", {"a": None, "b": "("}),
    ],
)
def test_forms(text, source, name, kwargs):
    ref = parse(text)
    assert (ref.source, ref.name, dict(ref.kwargs)) == (source, name, kwargs)
    assert ref.text == text.strip()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("net.py", "names a file but nothing in it"),
        ("torchvision:", "names no model"),
        ("what is this", "where a name should stand"),
        ("no source/here:resnet18", "unknown source 'no source/here'"),
        ("net.py:not a name", "no Python name"),
        ("torch(18)", "an argument without a name at position 7"),
        ("torch(depth=18", "opens a parenthesis at position 6"),
        ("torch(depth=18,,)", "at position 16"),
        ("torch(depth=1)(depth=2)", "where a name should stand"),
        ("torch(**{'a': 1})", "unpacks"),
        ("torch(a=1, a=2)", "'a' twice"),
        ("torch(depth=2 ** 9)", "not a Python literal"),
        ("torch(depth=open('x'))", "not a Python literal"),
        ("torch(depth=dict(a=1))", "not a Python literal"),
        ("x" * 5000, "longer than"),
        ("torch(depth=\0)", "null"),
    ],
)
def test_what_is_wrong_is_named(text, said):
    with pytest.raises(DiagnoseError) as caught:
        parse(text)
    assert said in caught.value.message
    assert isinstance(caught.value, UsageError)


@given(st.text(max_size=80) | st.from_regex(r"\A[a-z.:/()=\[\]{}'\"\\*,\-0-9 #@\n]{0,60}\Z"))
@example("(" * 4000)
@example("f(a=" + "(" * 3000 + ")" * 300 + ")")
@example("f(a=" + "-" * 4000 + "1)")
@example("f(a=" + "[" * 2000 + "]" * 2000 + ")")
@example("f(a=" + "9" * 4050 + ")")
@example("f(a=" + "1+" * 2000 + "1j)")
@example("f(a='\\d\\N{x}')")
@example("f(a=1 is 1)")
@example("\ud800:\ud800(\ud800=1)")
@example("f(a={[]: 1})")
@example("f(a={1: 2, **{}})")
@settings(max_examples=400, deadline=None)
def test_hostile_text_is_a_model_or_one_clear_error(text):
    try:
        ref = parse(text)
    except DiagnoseError as error:
        fault = error
    else:
        assert ref.name
        assert parse(ref.text) == ref
        return
    assert isinstance(fault, UsageError)
    assert fault.message


@given(st.dictionaries(NAMES, LITERALS, max_size=4))
@settings(deadline=None)
def test_literals_come_back(kwargs):
    arguments = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
    assert dict(parse(f"net.py:factory({arguments})").kwargs) == kwargs


def loaded_after(code):
    libraries = ("torch", "torchvision", "mmpretrain", "timm", "typer")
    program = f"import sys\n{code}\nprint(*(name for name in {libraries} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_parsing_loads_no_library():
    assert (
        loaded_after("from diagnose.networks import parse, aliases; parse('torch'); parse('timm:x'); aliases()") == []
    )


def test_the_torch_alias_loads_no_other_library():
    assert loaded_after("from diagnose.networks import build; build('torch')") == ["torch", "torchvision"]
