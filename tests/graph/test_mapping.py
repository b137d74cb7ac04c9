"""The weight mapping: fused, transposed and renamed weights find their places, and checkpoints are converted."""

import copy

import pytest
import torch
from architectures import ARCHITECTURES, INPUT, Attention
from edit import of, swap
from rewrites import REWRITES, separate_qkv, transposed_linear
from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.graph.answer import convert
from diagnose.graph.diff import alignments
from diagnose.graph.mapping import moves, transplant
from diagnose.graph.randomness import state_of
from diagnose.values import InputSpec


@pytest.mark.parametrize("kind", ["q, k and v apart", "torch's own attention", "linear as a product", "renamed"])
def test_a_transplant_makes_the_twin_compute_the_same(kind) -> None:
    original = ARCHITECTURES["vit"]().eval()
    twin = copy.deepcopy(original)
    REWRITES[kind](twin)
    for parameter in twin.parameters():
        nn.init.normal_(parameter)

    moved = moves(alignments(original, twin, [InputSpec(INPUT)]))
    written = transplant(moved, state_of(original), state_of(twin.eval()))

    x = torch.randn(INPUT)
    torch.testing.assert_close(twin(x), original(x), rtol=1e-4, atol=1e-5)
    assert all(written[name] == parameter.numel() for name, parameter in twin.named_parameters())


def test_fused_weights_are_mapped_in_parts(compare) -> None:
    original = ARCHITECTURES["vit"]()
    twin = copy.deepcopy(original)
    swap(twin, of(Attention), separate_qkv)
    swap(twin, of(nn.Linear), transposed_linear, -1)

    mapping = compare(original, twin).mapping

    transforms = {(pair.a, pair.b): pair.transform for pair in mapping.pairs}
    assert transforms["3.0.body.1.qkv.weight", "3.0.body.1.k.weight"] == "[12:24] of dim 0"
    assert transforms["7.weight", "7.w"] == "into transposed"
    assert mapping.only_a == mapping.only_b == ()


def test_a_checkpoint_is_converted(tmp_path) -> None:
    from diagnose import sources

    original = sources.build("torch", allocate=True, seed=3).module.eval()
    torch.save(original.state_dict(), tmp_path / "in.pth")

    missing = convert("torch", "mm", tmp_path / "in.pth", tmp_path / "out.pth", asked=(InputSpec((2, 3, 32, 32)),))

    twin = sources.build("mm", allocate=True, seed=4).module.eval()
    twin.load_state_dict(torch.load(tmp_path / "out.pth", weights_only=True))
    x = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(twin(x), original(x))
    assert missing == ()


def test_a_checkpoint_that_is_no_checkpoint_is_refused(tmp_path) -> None:
    torch.save({"model": nn.Linear(2, 2)}, tmp_path / "code.pth")
    torch.save([1, 2], tmp_path / "list.pth")

    for name in ("code.pth", "list.pth", "missing.pth"):
        with pytest.raises(DiagnoseError) as caught:
            convert("torch", "mm", tmp_path / name, tmp_path / "out.pth")
        assert caught.value.exit_code == 2
    assert not (tmp_path / "out.pth").exists()
