"""`diagnose flops` through its real entry point."""

import json
import subprocess
import sys

import pytest

UNKNOWN = """
import torch
from torch import nn

torch.library.define("diagnose_cli::mystery", "(Tensor x, Tensor w) -> Tensor")


@torch.library.impl("diagnose_cli::mystery", "Meta")
def mystery(x, w):
    return torch.empty_like(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        print("the model speaks")
        return torch.ops.diagnose_cli.mystery(self.layer(x), self.layer.weight)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 8), nn.Linear(8, 10, bias=False)

    def forward(self, ids):
        return self.head(self.embed(ids))


class Pair(nn.Module):
    def forward(self, a, b):
        return a @ b


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 5, bias=False)

    def forward(self, x):
        return self.layer(x) if x.mean() < 1e9 else x


class Named(Tokens):
    def forward(self, ids, *, mask, extra):
        return super().forward(ids) * mask[..., None] + extra["bias"][0]
"""


def flops(*args, cwd=None):
    return command("flops", *args, cwd=cwd)


def command(*args, cwd=None):
    return subprocess.run(
        [sys.executable, "-c", "from diagnose.cli import main; main()", *args],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def data_of(*args, cwd=None):
    done = flops(*args, "--format", "json", cwd=cwd)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def nets(tmp_path):
    (tmp_path / "nets.py").write_text(UNKNOWN)
    return tmp_path


def test_the_built_in_case_side_by_side():
    done = flops("torch", "mm", "prodpoly")
    assert (done.returncode, done.stderr) == (0, "")
    verdict = " ".join(done.stdout.split())
    assert "torch and mm both take 555,422,720 MACs on 1x3x32x32" in verdict
    assert "prodpoly takes 404,427,776 MACs on 1x3x32x32, 27.2% fewer than torch" in verdict
    assert "Hadamard products, beside the MACs: prodpoly 221,184 elements" in verdict
    assert "\x1b" not in done.stdout


def test_json_holds_every_number():
    report = data_of("prodpoly")
    assert report["schema"] == "diagnose.flops/1"
    (model,) = report["data"]["models"]
    assert (model["model"], model["input"]) == ("prodpoly", ["1x3x32x32"])
    assert (model["macs"], model["hadamard_elements"]) == (404_427_776, 221_184)
    assert sum(row["macs"] for row in model["rows"]) == model["macs"]
    assert sum(row["flops"] for row in model["rows"]) == model["flops"]
    assert sum(item["flops"] for item in model["by_operator"].values()) == model["flops"]
    assert model["by_operator"]["mul"] == {"count": 6, "macs": 0, "flops": 221_184}
    assert model["parameter_bytes"] == sum(layer["parameter_bytes"] for layer in model["layers"]) == 4 * 5_274_954
    assert {"path", "op", "count", "macs", "flops"} <= model["rows"][0].keys()
    assert (model["uncounted"], model["cross_check"], model["candidates"]) == ([], [], [])


@pytest.mark.parametrize("by", ["operator", "block"])
def test_every_table_adds_up(by):
    done = flops("torch", "--by", by)
    assert f"By {by}\n" in done.stdout
    total = [line for line in done.stdout.splitlines() if line.strip().startswith("Total")]
    assert "555,422,720" in total[0]
    assert "1,112,885,258" in total[0]


@pytest.mark.parametrize(("format", "start"), [("markdown", "## "), ("html", "<!doctype html>"), ("terminal", "MACs")])
def test_every_format(format, start):
    done = flops("torch", "prodpoly", "--format", format)
    assert done.returncode == 0
    assert done.stdout.lower().startswith(start.lower())
    assert "555,422,720" in done.stdout


def test_another_input_and_a_batch():
    (model,) = data_of("torch", "--input", "2x3x64x64")["data"]["models"]
    assert model["macs"] == 2 * (4 * (555_422_720 - 5_120) + 5_120)


def test_tokens_and_two_inputs(nets):
    (model,) = data_of("nets.py:Tokens()", "--input", "2x7:int64", cwd=nets)["data"]["models"]
    assert model["macs"] == 2 * 7 * 8 * 10
    (model,) = data_of("nets.py:Pair()", "--input", "3x4", "--input", "4x5", cwd=nets)["data"]["models"]
    assert model["macs"] == 3 * 4 * 5


NAMED = ("--input", "2x7:int64", "--input", "mask=2x7:bool", "--input", "extra.bias.0=2x7x10")


def test_the_bytes_of_a_small_layer_are_shown_in_full(nets):
    done = flops("nets.py:Tokens", "--input", "2x3:int64", "--by", "layer", "--format", "markdown", cwd=nets)
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("| head | linear |")]
    assert row.endswith(f"| {2 * 3 * 10 * 4} | {10 * 8 * 4} |")  # its output and its weight, in float32


def test_keywords_and_dictionaries(nets):
    (model,) = data_of("nets.py:Named()", *NAMED, cwd=nets)["data"]["models"]
    assert model["macs"] == 2 * 7 * 8 * 10
    assert model["input"] == ["2x7:int64", "mask=2x7:bool", "extra.bias.0=2x7x10"]


def test_every_other_command_takes_inputs_by_name_too(nets):
    params = command("params", "nets.py:Named()", *NAMED, cwd=nets)
    assert params.returncode == 0
    assert "at 2x7:int64, mask=2x7:bool, extra.bias.0=2x7x10 reads every one" in " ".join(params.stdout.split())
    diff = command("diff", "nets.py:Named()", "nets.py:Named()", *NAMED, cwd=nets)
    assert diff.returncode == 0, diff.stderr
    assert "are the same function" in diff.stdout


def test_a_training_step():
    report = data_of("torch", "--train")
    (model,) = report["data"]["models"]
    stem = 32 * 32 * 64 * 27  # the image needs no gradient
    assert model["macs"] == 3 * 555_422_720 - stem
    assert model["saved_bytes"] > 0


def test_a_training_step_is_held_against_other_tools_and_a_reported_figure():
    done = flops("torch", "--train", "--cross-check", "--reported", "3.33G", "--strict")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "3.33G fits torch as it is on 1x3x32x32: 3,328,997,376 2 × MACs (fits if rounded)" in said
    assert "Other tools on torch, the same training step" in said
    assert "does not count the backward pass" in said
    assert "Every difference is explained to the last unit." in said


def test_an_unknown_operator_is_listed_and_strict_ends_with_1(nets):
    done = flops("nets.py:Net()", "--input", "3x4", cwd=nets)
    assert done.returncode == 0
    assert "at least 48 MACs" in done.stdout
    assert "lower bounds" in done.stdout
    assert "Not counted in nets.py:Net()" in done.stdout
    assert "diagnose_cli::mystery" in done.stdout
    assert "the model speaks" not in done.stdout
    assert flops("nets.py:Net()", "--input", "3x4", "--strict", cwd=nets).returncode == 1


def test_a_path_that_depends_on_values_is_run_and_said(nets):
    done = flops("nets.py:Branching()", "--input", "3x4", "--cross-check", "--strict", cwd=nets)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "takes 60 MACs" in said
    assert "The path of nets.py:Branching() depends on values; this is what one run on random numbers takes." in said
    assert "cannot be called on meta tensors. It was run with random weights on random numbers" in said
    assert "other values may take another path" in said


def test_a_reported_figure_is_met():
    done = flops("torch", "--reported", "0.56G", "--strict")
    assert done.returncode == 0
    assert "0.56G fits torch as it is on 1x3x32x32: 555,422,720 MACs (fits if rounded)" in " ".join(done.stdout.split())


def test_a_reported_figure_is_not_met():
    done = flops("torch", "--reported", "123G", "--strict")
    assert done.returncode == 1
    assert "that is known here gives" in " ".join(done.stdout.split())


def test_the_cross_check_explains_to_the_last_unit():
    done = flops("torch", "--cross-check")
    assert done.returncode == 0
    for figure in ("1,110,845,440", "556,659,712", "1,228,800", "555,432,330", "9,610"):
        assert figure in done.stdout
    assert "Every difference is explained to the last unit." in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("torhc",), 2, "Did you mean torch?"),
        (("torch", "--input", "3 by 32"), 2, "cannot read the input"),
        (("torch", "--reported", "many"), 2, "cannot read the reported number"),
        (("torch", "--input", "x=1x3x32x32", "--input", "x=1x3x32x32"), 2, "given twice"),
        (("torch", "--input", "a b=1x3x32x32"), 2, "no name of an argument"),
        (("torch", "--input", "image=1x3x32x32"), 3, "unexpected keyword argument 'image'"),
        (("torch", "--input", "1x5x32x32"), 3, "cannot run torch"),
        ((), 2, "Missing argument"),
    ],
)
def test_mistakes(args, code, said):
    done = flops(*args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_no_torch():
    code = "import sys; from diagnose.cli import app; app(['flops', '--help'], standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--cross-check" in done.stdout
