import random

import numpy as np
import pytest
import torch
from torch import nn

from diagnose.networks.meta import WithoutWeights, to_meta
from diagnose.networks.process_state import drawing_from, restored


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 5)
        self.head = nn.Linear(5, 7, bias=False)
        self.head.weight = self.embed.weight
        self.twin = nn.ModuleList([self.head, self.head])
        self.bare = nn.Parameter(torch.tensor([1.0, 2.0]), requires_grad=False)
        self.bare.role = "scale"
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("passing", torch.linspace(0, 1, 4), persistent=False)
        self.register_buffer("same", self.kept)
        self.register_buffer("nothing", None)
        self.plain = torch.tensor([1.0, 2.0])
        self.scalar = torch.tensor(3.0)
        self.view = nn.Parameter(self.bare.detach()[1:])


@pytest.fixture(params=["without weights", "with weights"])
def tied(request):
    if request.param == "with weights":
        return to_meta(Tied())
    with WithoutWeights():
        model = Tied()
    return to_meta(model)


def test_everything_registered_is_meta(tied):
    assert all(t.is_meta for t in (*tied.parameters(), *tied.buffers(), tied.plain))
    assert tied.scalar.item() == 3.0


def test_ties_stay(tied):
    assert tied.head.weight is tied.embed.weight
    assert tied.same is tied.kept
    assert len(list(tied.parameters())) == 3
    assert sum(p.numel() for p in tied.parameters()) == 7 * 5 + 2 + 1
    assert tied.view.untyped_storage()._cdata == tied.bare.untyped_storage()._cdata
    assert tied.view.storage_offset() == 1


def test_flags_and_state_dict_stay(tied):
    assert not tied.bare.requires_grad
    assert tied.bare.role == "scale"
    assert tied.embed.weight.requires_grad
    assert tied.nothing is None
    assert set(tied.state_dict()) == set(Tied().state_dict())
    assert {k: (v.shape, v.dtype) for k, v in tied.state_dict().items()} == {
        k: (v.shape, v.dtype) for k, v in Tied().state_dict().items()
    }


@pytest.mark.parametrize("make", [lambda: nn.LSTM(3, 4, 2), lambda: nn.GRU(3, 4)])
def test_a_recurrent_network_runs_on_meta_after_a_real_build(make):
    model = to_meta(make())
    out, _ = model(torch.empty(5, 2, 3, device="meta"))
    assert out.shape == (5, 2, 4)


def test_lazy_and_sparse_and_half_tensors():
    model = nn.Module()
    model.lazy = nn.LazyLinear(4)
    model.turned = nn.Parameter(torch.zeros(3, 2, dtype=torch.float16).t())
    model.register_buffer("sparse", torch.eye(3).to_sparse())
    to_meta(model)
    assert model.turned.is_meta
    assert model.turned.dtype == torch.float16
    assert model.turned.stride() == (1, 2)
    assert model.sparse.is_meta
    assert isinstance(model.lazy.weight, nn.UninitializedParameter)


def test_only_allocating_calls_are_redirected():
    with WithoutWeights():
        assert torch.empty(3).is_meta
        assert torch.full((2, 2), 1.0, device="cpu").is_meta
        assert torch.randn(3, generator=torch.Generator()).is_meta
        assert not torch.zeros(3, out=torch.empty_strided((3,), (1,))).is_meta
        assert torch.linspace(0, 1, 3)[1].item() == 0.5
        assert torch.tensor([1, 2]).tolist() == [1, 2]


def test_seven_billion_parameters_take_no_memory():
    with WithoutWeights():
        model = nn.ModuleList([nn.Linear(4096, 4096 * 13, bias=False) for _ in range(32)])
    assert sum(p.numel() for p in model.parameters()) == 32 * 13 * 4096**2


def test_state_is_restored(tmp_path, monkeypatch):
    import os
    import sys

    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    path, argv = list(sys.path), list(sys.argv)
    expected = None
    for disturbed in (False, True):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        if disturbed:
            with restored(), drawing_from(5):
                os.chdir("elsewhere")
                sys.path.append("x")
                random.random(), np.random.rand(), torch.rand(1)
                torch.set_default_dtype(torch.float64)
                torch.set_default_device("meta")
                torch.set_grad_enabled(False)
        drawn = random.random(), np.random.rand(), torch.rand(1)
        assert drawn == (expected or drawn)
        expected = drawn
    assert (os.getcwd(), sys.path, sys.argv) == (str(tmp_path), path, argv)  # noqa: PTH109
    assert torch.get_default_dtype() == torch.float32
    assert torch.empty(1).device.type == "cpu"
    assert torch.is_grad_enabled()
