import textwrap

import pytest
import torch

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.networks import build


@pytest.fixture
def file(tmp_path):
    def write(code, name="net.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(code))
        return path

    return write


def test_a_factory_a_class_and_an_instance(file):
    path = file(
        """
        from torch import nn
        class Net(nn.Linear):
            def __init__(self, wide=2):
                super().__init__(wide, 3)
            @classmethod
            def large(cls): return cls(100)
        def factory(*, depth): return nn.Sequential(*[nn.Linear(2, 2) for _ in range(depth)])
        ready = nn.Linear(4, 4)
        """
    )
    counts = {
        "factory(depth=3)": 18,
        "Net": 9,
        "Net(wide=5)": 18,
        "Net.large": 303,
        "ready": 20,
    }
    for name, count in counts.items():
        for allocate in (False, True):
            built = build(f"{path}:{name}", allocate=allocate)
            assert sum(p.numel() for p in built.module.parameters()) == count
            assert all(p.is_meta is not allocate for p in built.module.parameters())
    assert built.input_shapes == ((1, 3, 224, 224), (1, 3, 32, 32))


def test_a_module_by_its_dotted_name(file, monkeypatch, tmp_path):
    file("from torch import nn\nNet = nn.Identity", "dotted_pkg/inner.py")
    monkeypatch.chdir(tmp_path)
    assert build("dotted_pkg.inner:Net").origin == "user code, dotted_pkg.inner"
    assert sum(p.numel() for p in build("torch.nn:Linear(in_features=2, out_features=3)").module.parameters()) == 9


def test_siblings_are_imported_and_two_folders_do_not_mix(file):
    for folder, width in (("a", 1), ("b", 2), ("c", 3)):
        file(f"WIDTH = {width}", f"{folder}/layers.py")
        path = file(
            "from torch import nn\nimport layers\ndef net(): return nn.Linear(layers.WIDTH, 1)", f"{folder}/net.py"
        )
        assert build(f"{path}:net").module.in_features == width
    path.with_name("net.py").write_text("from torch import nn\ndef net(): return nn.Linear(77, 1)")
    assert build(f"{path}:net").module.in_features == 77


def test_code_that_needs_real_numbers_is_built_really(file):
    path = file(
        """
        import torch
        from torch import nn
        def net():
            layer = nn.Linear(3, 3)
            layer.spread = float(layer.weight.std().detach().numpy())
            return layer
        """
    )
    built = build(f"{path}:net")
    assert built.module.weight.is_meta
    assert built.module.spread > 0
    (skipped,) = built.skipped
    assert skipped.what == "building without weights"
    assert f"{path}:6" in skipped.reason


def test_a_seed_gives_the_same_weights_whether_or_not_the_file_draws_at_import(file):
    path = file("import torch\nNOISE = torch.rand(3)\ndef net(): return torch.nn.Linear(2, 2)")
    first, second = (build(f"{path}:net", allocate=True, seed=4).module.weight for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("code", "call", "kind", "said"),
    [
        ("def net(): raise ValueError('too deep')", "net", CannotRun, "ValueError at {path}:1: too deep"),
        ("def net():\n  import sys\n  sys.exit(4)", "net", CannotRun, "sys.exit(4) at {path}:3"),
        ("import sys\nsys.exit('bye')", "net", CannotRun, "sys.exit('bye') at {path}:2"),
        ("def net(:", "net", CannotRun, "SyntaxError at {path}:1"),
        (
            "import no_such_thing",
            "net",
            CannotRun,
            "ModuleNotFoundError at {path}:1: No module named 'no_such_thing'",
        ),
        ("def net(): return 3", "net", UsageError, "returned an int, not a torch.nn.Module"),
        ("def net(depth): return 3", "net", UsageError, "missing a required argument: 'depth'"),
        ("def net(depth): return 3", "net(depht=2)", UsageError, "no parameter 'depht'"),
        ("def network(): return 3", "net", UsageError, "has no 'net'"),
        ("net = 3", "net", UsageError, "is a int"),
        ("def net(): return net()", "net", CannotRun, "RecursionError"),
        ("class E(Exception):\n  def __str__(self): raise E\ndef net(): raise E", "net", CannotRun, "no message"),
        ("def net(): raise ValueError('x' * 9999)", "net", CannotRun, "xx…"),
        ("import torch\ndef net(): return torch.nn.Linear(2, '3')", "net", CannotRun, "TypeError at {path}:2"),
    ],
)
def test_what_went_wrong_is_said_with_its_place(file, code, call, kind, said):
    path = file(code)
    with pytest.raises(DiagnoseError) as caught:
        build(f"{path}:{call}")
    assert said.format(path=path) in caught.value.message
    assert isinstance(caught.value, kind)


def test_a_missing_file_names_its_neighbour(file, tmp_path):
    file("", "resnet.py")
    with pytest.raises(DiagnoseError, match="no file") as caught:
        build(f"{tmp_path / 'renset.py'}:net")
    assert caught.value.hint == "Did you mean resnet.py?"
    assert isinstance(caught.value, UsageError)


def test_a_file_with_a_command_line_does_not_read_ours(file, monkeypatch):
    path = file(
        """
        import argparse
        from torch import nn
        arguments = argparse.ArgumentParser()
        arguments.add_argument("--width", type=int, default=3)
        arguments = arguments.parse_args()
        def net(): return nn.Linear(arguments.width, 1)
        """
    )
    monkeypatch.setattr("sys.argv", ["diagnose", "params", "--by", "stage"])
    assert build(f"{path}:net").module.in_features == 3


def test_a_module_level_instance_is_not_changed(file):
    path = file("from torch import nn\nnet = nn.Dropout(0.5)\nnet.scale = nn.Parameter(__import__('torch').ones(3))")
    assert build(f"{path}:net").module.scale.is_meta
    again = build(f"{path}:net", allocate=True).module
    assert torch.equal(again.scale, torch.ones(3))
