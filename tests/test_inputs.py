"""What `--input` means, and what is tried where it is not given."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.inputs import candidates, parse_input, tensors
from diagnose.values import InputSpec

DTYPES = ["float32", "float64", "float16", "bfloat16", "int64", "int32", "bool"]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=6), st.sampled_from(DTYPES))
def test_an_input_written_out_reads_back(shape, dtype):
    spec = InputSpec(tuple(shape), dtype)
    assert parse_input(str(spec)) == spec


@pytest.mark.parametrize(
    "text", ["", "x", "1x", "x3", "1x0x3", "1x-3", "1.5x3", "1x3:", "1x3:float", "1x3:int64:bool", "1×3", "9" * 30]
)
def test_what_is_no_shape_is_refused_with_a_hint(text):
    with pytest.raises(DiagnoseError) as refused:
        parse_input(text)
    assert refused.value.exit_code == 2
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
