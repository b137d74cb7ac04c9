"""The way in: MODEL texts and checkpoints to a comparison."""

import torch

from diagnose.diff import run
from diagnose.diff.run import DiffRequest, convert, examine
from diagnose.diff.weights import checkpoint
from diagnose.values import InputSpec

NETWORK = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 3), nn.ReLU())
"""


def test_a_checkpoint_that_is_compared_and_converted_is_read_once(tmp_path, monkeypatch) -> None:
    (tmp_path / "net.py").write_text(NETWORK)
    model = f"{tmp_path}/net.py:Net"
    source, target = tmp_path / "in.pth", tmp_path / "out.pth"
    torch.save({"0.weight": torch.ones(3, 4), "0.bias": torch.zeros(3)}, source)
    paths = []
    monkeypatch.setattr(run, "read", lambda path: paths.append(path) or checkpoint.read(path))

    examined = examine(DiffRequest(model, model, (InputSpec((2, 4)),), weights=(source, None)))
    result = convert(examined, source, target)

    assert paths == [source]
    assert result.filled == 2
    assert torch.equal(torch.load(target, weights_only=True)["0.weight"], torch.ones(3, 4))
