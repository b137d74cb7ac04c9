"""What the text of an input means, and what is tried where it is not given."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from diagnose.errors import DiagnoseError, UsageError
from diagnose.networks.inputs import candidates, parse_input, parse_inputs, tensors, with_named_inputs
from diagnose.values import InputSpec

DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "bool"]


NAMES = ["", "mask", "batch.ids", "images.0", "batch.meta.age", "größe"]


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.sampled_from(DTYPES), st.sampled_from(NAMES))
def test_an_input_written_out_reads_back(shape, dtype, name):
    spec = InputSpec(tuple(shape), dtype, name)
    assert parse_input(str(spec)) == spec


@given(st.lists(st.text(alphabet="ab01.=x:_ \x1b'\n²é", max_size=12), max_size=4))
def test_whatever_is_typed_is_read_or_refused(texts):
    try:
        specs = parse_inputs(texts)
    except DiagnoseError as error:
        refused = error
    else:
        refused = None
        assert parse_inputs(list(map(str, specs))) == specs
    assert refused is None or (isinstance(refused, UsageError) and refused.hint)


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "1x", "x3", "1x0x3", "1x-3", "1.5x3", "1x3:", "1x3:float", "1x3:int64:bool", "1×3", "9" * 30),
        *("=1x3", "mask=", "1mask=1x3", "a..b=1x3", ".a=1x3", "a.=1x3", "a b=1x3", "class=1x3", "a=b=1x3", "*a=1x3"),
        *("a-b=1x3", "a\x1b[31m=1x3", "a\n=1x3=", f"{'a' * 300}=1x3"),
    ],
)
def test_what_is_no_shape_is_refused_with_a_hint(text):
    with pytest.raises(DiagnoseError) as refused:
        parse_input(text)
    assert isinstance(refused.value, UsageError)
    assert refused.value.hint


def test_what_is_asked_for_is_all_that_is_tried():
    asked = (InputSpec((1, 3, 8, 8)), InputSpec((1, 4), "int64"))
    assert candidates(nn.Embedding(4, 2), ((1, 3, 224, 224),), asked) == (asked,)


def test_a_model_with_an_embedding_is_fed_tokens_first():
    tried = candidates(nn.Sequential(nn.Embedding(4, 2)), ((1, 3, 32, 32),), ())
    assert [inputs[0].dtype for inputs in tried] == ["int64", "float32"]


def test_tensors_on_the_meta_device_have_the_shape_and_type():
    (tensor,) = tensors((InputSpec((2, 5), "bool"),))
    assert (tensor.shape, tensor.dtype, tensor.device.type) == ((2, 5), torch.bool, "meta")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["mask=1x3", "mask=1x3"], "given twice"),
        (["batch=1x3", "batch.mask=1x3"], "to be a tensor and a dictionary"),
        (["batch.mask=1x3", "batch=1x3"], "given twice, or as a tensor and as what holds tensors"),
        (["x.0=1x3", "x.a=1x3"], "to be a list and a dictionary"),
        (["x.0=1x3", "x.2=1x3"], "are not numbered 0, 1, 2"),
        (["x.00=1x3"], "are not numbered 0, 1, 2"),
    ],
)
def test_two_inputs_do_not_claim_one_place(texts, said):
    with pytest.raises(DiagnoseError, match=said) as refused:
        parse_inputs(texts)
    assert isinstance(refused.value, UsageError)


class Echo(nn.Module):
    """Return what the forward pass was given."""

    def forward(self, *args, **kwargs):
        return args, kwargs


def test_inputs_reach_the_model_by_their_names():
    specs = parse_inputs(
        ["mask=1x3:bool", "1x3x8x8", "batch.ids=1x4:int64", "batch.meta.age=1x1", "images.1=3", "images.0=2"]
    )
    args, kwargs = with_named_inputs(Echo(), specs)(*tensors(specs))
    assert [tuple(tensor.shape) for tensor in args] == [(1, 3, 8, 8)]
    assert list(kwargs) == ["mask", "batch", "images"]
    assert kwargs["mask"].dtype == torch.bool
    assert (kwargs["batch"]["ids"].shape, kwargs["batch"]["meta"]["age"].shape) == ((1, 4), (1, 1))
    assert [tuple(tensor.shape) for tensor in kwargs["images"]] == [(2,), (3,)]


def test_a_model_without_named_inputs_stays_as_it_is():
    model = Echo()
    assert with_named_inputs(model, (InputSpec((1, 3)),)) is model
    assert type(model) is Echo


def test_a_model_that_takes_names_is_copied_with_them_and_stays_of_its_class():
    specs = parse_inputs(["a=1x3"])
    model = with_named_inputs(with_named_inputs(Echo(), specs), specs)
    twin = copy.deepcopy(model)
    assert isinstance(twin, Echo)
    assert type(twin).__name__ == "Echo"
    assert list(twin(torch.zeros(1))[1]) == ["a"]


def test_a_forward_that_stands_on_the_object_is_not_passed_by():
    model = Echo()
    model.forward = lambda x: x
    with pytest.raises(DiagnoseError, match="takes no inputs by name"):
        with_named_inputs(model, parse_inputs(["a=1x3"]))
