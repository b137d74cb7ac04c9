"""`diagnose diff` with checkpoints: trained weights compared through the mapping, and one network's made another's."""

import importlib.util
import json
import os
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from safetensors.torch import load_file, save, save_file

NETWORKS = """
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(6)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)) + x)


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3)
        self.layer1, self.layer2, self.layer3 = Block(), Block(), Block()
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        return self.fc(self.layer3(self.layer2(self.layer1(self.stem(x)))).mean((2, 3)))


class Numbered(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3), Block(), Block(), Block(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        return self.head(self.body(x).flatten(1))


class Longer(Numbered):
    def __init__(self):
        super().__init__()
        self.body.insert(4, Block())
        self.body.insert(4, nn.Tanh())


class Fused(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(4, 12)

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        return torch.softmax(q @ k.transpose(1, 2), -1) @ v


class Apart(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return torch.softmax(self.q(x) @ self.k(x).transpose(1, 2), -1) @ self.v(x)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4)
        self.two = nn.Linear(4, 4)
        self.two.weight = self.one.weight

    def forward(self, x):
        return self.two(torch.tanh(self.one(x)))


class Lookup(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("place", torch.tensor([0, 1, 2, 3]))
        self.line = nn.Linear(4, 4)

    def forward(self, x):
        return self.line(x[:, self.place])
"""
IMAGE = ("--input", "2x3x12x12")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints")
    (path / "nets.py").write_text(NETWORKS)
    return path


@pytest.fixture(scope="module")
def nets(folder):
    spec = importlib.util.spec_from_file_location("nets_of_the_tests", folder / "nets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model(folder):
    return lambda name: f"{folder / 'nets.py'}:{name}"


def trained(network, seed: int = 0):
    """Give a network weights, running statistics and counters as training leaves them; return its state dict."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(321)
        elif tensor.is_floating_point():
            tensor.copy_(0.5 * torch.randn(tensor.shape, generator=generator).abs() + 0.1)
    return network.state_dict()


@pytest.fixture(scope="module")
def pair(folder, nets):
    """The same weights as a checkpoint of each of two networks, the second written by hand."""
    state = trained(nets.Named())
    names = {"stem": "body.0", "layer1": "body.1", "layer2": "body.2", "layer3": "body.3", "fc": "head"}
    renamed = {f"{names[name.partition('.')[0]]}.{name.partition('.')[2]}": value for name, value in state.items()}
    torch.save(state, folder / "named.pth")
    torch.save(renamed, folder / "numbered.pth")
    return folder / "named.pth", folder / "numbered.pth"


def compared(diagnose, model, a, b, *options, image=IMAGE):
    done = diagnose("diff", model(a), model(b), *image, "--format", "json", *options)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def finding(report):
    return next(weight for weight in report["findings"] if weight["kind"] == "trained weights")


def test_equal_checkpoints_under_other_names_are_equal(diagnose, model, pair) -> None:
    code, report = compared(diagnose, model, "Named", "Numbered", "--weights-a", pair[0], "--weights-b", pair[1])

    found = report["data"]["trained"]
    assert (code, found["verdict"], found["first_divergence"], found["outputs"]["max_delta"]) == (0, "equal", None, 0.0)
    assert len(found["weights"]) == 19  # 22 entries less three counters of batches
    assert all(weight["equal"] for weight in found["weights"])
    assert finding(report)["verdict"] == "cosmetic"
    assert not any(weight["kind"] == "initial weights" for weight in report["findings"])


@pytest.mark.parametrize(
    ("tensor", "op", "group"),
    [
        ("body.3.conv.weight", "conv2d", "convolutions"),
        ("body.2.bn.running_mean", "batch_norm", "batch norm running statistics"),
        ("head.bias", "linear", "linear biases"),
    ],
)
def test_one_changed_tensor_is_where_the_networks_first_part(
    diagnose, model, pair, tmp_path, tensor, op, group
) -> None:
    state = torch.load(pair[1], weights_only=True)
    state[tensor].view(-1)[0] += 1e-3
    torch.save(state, tmp_path / "changed.pth")

    code, report = compared(
        diagnose, model, "Named", "Numbered", "--weights-a", pair[0], "--weights-b", tmp_path / "changed.pth"
    )

    found = report["data"]["trained"]
    first = found["first_divergence"]
    assert (code, report["data"]["verdict"], found["verdict"]) == (1, "equivalent", "different")
    assert (first["op"], first["b"], first["weights_differ"]) == (op, tensor.rpartition(".")[0], True)
    changed = [weight for weight in found["weights"] if not weight["equal"]]
    assert [(weight["b"], weight["group"]) for weight in changed] == [(tensor, group)]
    assert changed[0]["max_delta"] == pytest.approx(1e-3, rel=1e-3)
    assert (finding(report)["verdict"], finding(report)["count"]) == ("real", 1)


def test_the_last_digit_of_one_weight_is_seen(diagnose, model, pair, tmp_path) -> None:
    state = torch.load(pair[1], weights_only=True)
    weight = state["body.3.conv.weight"].view(-1)
    weight[7] = torch.nextafter(weight[7], torch.tensor(9.0))
    torch.save(state, tmp_path / "changed.pth")

    code, report = compared(
        diagnose, model, "Named", "Numbered", "--weights-a", pair[0], "--weights-b", tmp_path / "changed.pth"
    )

    assert code == 1
    assert report["data"]["trained"]["first_divergence"]["a"] == "layer3.conv"


def test_a_weight_without_effect_leaves_the_verdict_undetermined(diagnose, nets, model, tmp_path) -> None:
    """The softmax takes no notice of what is added to all scores of a row, so that the bias of k has no effect."""
    state = trained(nets.Apart())
    torch.save(state, tmp_path / "a.pth")
    torch.save({**state, "k.bias": state["k.bias"] + 0.25}, tmp_path / "b.pth")

    code, report = compared(
        diagnose, model, "Apart", "Apart", "--weights-a", tmp_path / "a.pth", "--weights-b", tmp_path / "b.pth",
        image=("--input", "2x3x4"),
    )  # fmt: skip

    assert (code, report["data"]["trained"]["verdict"], finding(report)["verdict"]) == (3, *["undetermined"] * 2)


def test_fused_weights_are_compared_part_by_part(diagnose, nets, model, tmp_path) -> None:
    state = trained(nets.Apart())
    fused = {f"qkv.{leaf}": torch.cat([state[f"{name}.{leaf}"] for name in "qkv"]) for leaf in ("weight", "bias")}
    fused["qkv.weight"][9, 2] += 0.5  # rows 8 to 11 are those of v
    torch.save(state, tmp_path / "a.pth")
    torch.save(fused, tmp_path / "b.pth")

    code, report = compared(
        diagnose, model, "Apart", "Fused", "--weights-a", tmp_path / "a.pth", "--weights-b", tmp_path / "b.pth",
        image=("--input", "2x3x4"),
    )  # fmt: skip

    assert code == 1
    assert [weight["a"] for weight in report["data"]["trained"]["weights"] if not weight["equal"]] == ["v.weight"]


def test_one_checkpoint_alone_is_compared_with_initial_weights_and_that_is_said(diagnose, model, pair) -> None:
    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--weights-a", pair[0], "--seed", 5)

    assert done.returncode == 1, done.stderr
    assert f"with {pair[0]}" in " ".join(done.stdout.split())
    assert "with its initial weights, seed 5" in " ".join(done.stdout.split())


def test_other_networks_stay_different_and_their_common_weights_are_told_equal(
    diagnose, nets, model, pair, tmp_path
) -> None:
    torch.save({**nets.Longer().state_dict(), **torch.load(pair[1], weights_only=True)}, tmp_path / "longer.pth")

    code, report = compared(
        diagnose, model, "Numbered", "Longer", "--weights-a", pair[1], "--weights-b", tmp_path / "longer.pth"
    )

    found = report["data"]["trained"]
    assert (code, report["data"]["verdict"], found["verdict"]) == (1, "different", "different")
    assert all(weight["equal"] for weight in found["weights"])
    assert finding(report)["verdict"] == "cosmetic"
    assert "comes from the networks" in finding(report)["message"]


def test_wrappers_and_prefixes_are_taken_off(diagnose, model, pair, tmp_path) -> None:
    state = {f"module._orig_mod.{name}": value for name, value in torch.load(pair[0], weights_only=True).items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "wrapped.pth")

    code, report = compared(
        diagnose, model, "Named", "Numbered", "--weights-a", tmp_path / "wrapped.pth", "--weights-b", pair[1]
    )

    assert (code, report["data"]["trained"]["verdict"]) == (0, "equal")
    assert "the prefix module._orig_mod. left out" in report["data"]["trained"]["a"]


class Touch:
    """Unpickled without care, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("option", ["--weights-a", "--weights-b", "--convert"])
def test_a_hostile_pickle_is_refused_and_not_run(diagnose, model, tmp_path, option) -> None:
    torch.save({"fc.weight": Touch(tmp_path / "touched")}, tmp_path / "hostile.pth")
    target = (tmp_path / "out.pth",) if option == "--convert" else ()

    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, option, tmp_path / "hostile.pth", *target)

    assert (done.returncode, done.stdout) == (2, "")
    assert "holds more than tensors" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "touched").exists()
    assert not (tmp_path / "out.pth").exists()


def test_what_calls_the_system_is_refused_wherever_it_stands(diagnose, model, pair, tmp_path) -> None:
    class Call:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/touched",))

    state = torch.load(pair[0], weights_only=True)
    torch.save({"state_dict": state, "args": Call()}, tmp_path / "hostile.pth")

    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--weights-a", tmp_path / "hostile.pth")

    assert (done.returncode, done.stdout) == (2, "")
    assert "holds more than tensors" in done.stderr
    assert not (tmp_path / "touched").exists()


def test_objects_beside_the_state_dict_are_left_out_and_not_run(diagnose, model, pair, tmp_path) -> None:
    class Evaluated:
        def __reduce__(self):
            return (eval, (f"open('{tmp_path}/touched', 'w')",))

    hub = MessageHub.get_instance("checkpoint")
    hub.update_scalar("train/loss", torch.tensor(0.25))
    beside = {
        "message_hub": hub.state_dict(),
        "args": Namespace(lr=0.1),
        "odd": Evaluated(),
        "epoch": 7,
    }
    torch.save({"state_dict": torch.load(pair[0], weights_only=True), **beside}, tmp_path / "in.pth")

    code, report = compared(
        diagnose, model, "Named", "Numbered",
        "--weights-a", tmp_path / "in.pth", "--weights-b", pair[1],
        "--convert", tmp_path / "in.pth", tmp_path / "out.pth",
    )  # fmt: skip

    assert (code, report["data"]["trained"]["verdict"]) == (0, "equal")
    assert report["data"]["converted"]["dropped"] == ["message_hub", "args", "odd"]
    assert torch.load(tmp_path / "out.pth", weights_only=True)["epoch"] == 7
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("kept", [0, 10, 700])
@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
def test_a_file_cut_short_is_refused(diagnose, model, pair, tmp_path, name, kept) -> None:
    state = torch.load(pair[0], weights_only=True)
    whole = save(state) if name.endswith(".safetensors") else pair[0].read_bytes()
    (tmp_path / name).write_bytes(whole[:kept])

    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--weights-a", tmp_path / name)

    assert (done.returncode, done.stdout) == (2, "")
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"a": 1}, "holds no state dict"),
        ([1, 2], "holds no state dict"),
        ({}, "holds no state dict"),
        ({"model": [torch.ones(2)]}, "holds no state dict"),
    ],
)
def test_what_is_no_state_dict_is_refused(diagnose, model, tmp_path, content, said) -> None:
    torch.save(content, tmp_path / "odd.pth")

    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--weights-b", tmp_path / "odd.pth")

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_missing_unexpected_and_reshaped_tensors_are_named(diagnose, model, pair, tmp_path) -> None:
    state = torch.load(pair[0], weights_only=True)
    del state["layer2.conv.weight"]
    state["layer9.\x1b[31mweight"] = torch.ones(2)
    state["fc.weight"] = torch.ones(7, 6)
    torch.save(state, tmp_path / "odd.pth")

    done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--weights-a", tmp_path / "odd.pth")

    assert (done.returncode, done.stdout) == (2, "")
    assert "1 missing: layer2.conv.weight" in done.stderr
    assert "1 unexpected: layer9.\\x1b[31mweight" in done.stderr
    assert "fc.weight (7×6 in the file, 5×6 in the model)" in done.stderr


def test_a_file_that_is_not_there_is_said(diagnose, model, tmp_path) -> None:
    done = diagnose("diff", model("Named"), model("Numbered"), "--weights-a", tmp_path / "none.pth")

    assert (done.returncode, done.stdout) == (2, "")
    assert "No such file" in done.stderr


def test_there_and_back_again_is_bit_equal(diagnose, model, pair, tmp_path) -> None:
    there, back = tmp_path / "there.pth", tmp_path / "back.pth"

    assert compared(diagnose, model, "Named", "Numbered", "--convert", pair[0], there)[0] == 0
    assert compared(diagnose, model, "Numbered", "Named", "--convert", there, back)[0] == 0

    by_hand, through = (torch.load(path, weights_only=True) for path in (pair[1], there))
    start, end = (torch.load(path, weights_only=True) for path in (pair[0], back))
    for before, after in ((by_hand, through), (start, end)):
        assert before.keys() == after.keys()
        assert all(
            before[name].dtype == after[name].dtype and torch.equal(before[name], after[name]) for name in before
        )
    assert int(through["body.1.bn.num_batches_tracked"]) == 321


def test_a_half_precision_checkpoint_stays_one_with_its_wrapper(diagnose, nets, model, tmp_path) -> None:
    state = {name: value.half() for name, value in trained(nets.Apart()).items()}
    torch.save({"state_dict": state, "epoch": 7, "optimizer": {"lr": [0.1]}}, tmp_path / "in.pth")

    _, report = compared(
        diagnose, model, "Apart", "Fused", "--convert", tmp_path / "in.pth", tmp_path / "out.pth",
        image=("--input", "2x3x4"),
    )  # fmt: skip

    content = torch.load(tmp_path / "out.pth", weights_only=True)
    assert content["epoch"] == 7
    assert "optimizer" not in content
    expected = torch.cat([state[f"{name}.weight"] for name in "qkv"])
    assert content["state_dict"]["qkv.weight"].dtype == torch.float16
    assert torch.equal(content["state_dict"]["qkv.weight"], expected)
    assert report["data"]["converted"]["dropped"] == ["optimizer"]


def test_safetensors_are_read_and_written(diagnose, model, pair, tmp_path) -> None:
    save_file(torch.load(pair[0], weights_only=True), tmp_path / "named.safetensors")
    written = tmp_path / "numbered.safetensors"

    code, report = compared(
        diagnose, model, "Named", "Numbered",
        "--weights-a", tmp_path / "named.safetensors", "--weights-b", pair[1],
        "--convert", tmp_path / "named.safetensors", written,
    )  # fmt: skip

    assert (code, report["data"]["trained"]["verdict"]) == (0, "equal")
    expected, content = torch.load(pair[1], weights_only=True), load_file(written)
    assert content.keys() == expected.keys()
    assert all(torch.equal(content[name], expected[name]) for name in expected)


def test_safetensors_without_the_second_name_of_a_tied_weight_and_without_a_place_for_the_epoch(
    diagnose, nets, model, tmp_path
) -> None:
    state = trained(nets.Tied())
    torch.save({"state_dict": state, "epoch": 7}, tmp_path / "in.pth")
    first = {}
    for name, tensor in state.items():
        if all(tensor.data_ptr() != weight.data_ptr() for weight in first.values()):
            first[name] = tensor
    save_file(first, tmp_path / "in.safetensors")
    assert len(first) < len(state)

    for source in ("in.pth", "in.safetensors"):
        _, report = compared(
            diagnose, model, "Tied", "Tied", "--convert", tmp_path / source, tmp_path / "out.safetensors",
            image=("--input", "2x4"),
        )  # fmt: skip
        content = load_file(tmp_path / "out.safetensors")
        assert content.keys() == state.keys()
        assert all(torch.equal(content[name], state[name]) for name in state)
        assert report["data"]["converted"]["dropped"] == (["epoch"] if source == "in.pth" else [])


def test_a_tied_weight_fills_both_of_its_names(diagnose, nets, model, tmp_path) -> None:
    torch.save(trained(nets.Tied()), tmp_path / "in.pth")

    _, report = compared(
        diagnose, model, "Tied", "Tied", "--convert", tmp_path / "in.pth", tmp_path / "out.pth",
        image=("--input", "2x4"),
    )  # fmt: skip

    given, converted = (torch.load(tmp_path / name, weights_only=True) for name in ("in.pth", "out.pth"))
    assert all(torch.equal(given[name], converted[name]) for name in given)
    assert report["data"]["converted"]["unfilled"] == report["data"]["converted"]["unused"] == []


def test_what_nothing_fills_is_named(diagnose, model, pair, tmp_path) -> None:
    done = diagnose(
        "diff", model("Numbered"), model("Longer"), *IMAGE, "--convert", pair[1], tmp_path / "out.pth"
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    said = " ".join(done.stdout.split())
    assert "A fills 22 of its 28 tensors" in said
    assert "body.5.conv.weight" in said


def test_a_buffer_of_whole_numbers_is_carried_over(diagnose, nets, model, tmp_path) -> None:
    torch.save(trained(nets.Lookup()), tmp_path / "in.pth")

    _, report = compared(
        diagnose, model, "Lookup", "Lookup", "--convert", tmp_path / "in.pth", tmp_path / "out.pth",
        image=("--input", "2x4"),
    )  # fmt: skip

    assert torch.equal(torch.load(tmp_path / "out.pth", weights_only=True)["place"], torch.arange(4))
    assert report["data"]["converted"]["filled"] >= 2


def test_the_checkpoint_itself_is_never_overwritten(diagnose, model, pair, tmp_path) -> None:
    before = pair[0].read_bytes()
    (tmp_path / "link.pth").symlink_to(pair[0])

    for target in (pair[0], tmp_path / "link.pth"):
        done = diagnose("diff", model("Named"), model("Numbered"), *IMAGE, "--convert", pair[0], target)
        assert (done.returncode, done.stdout) == (2, "")
        assert "is the checkpoint itself" in done.stderr
    assert pair[0].read_bytes() == before


@pytest.mark.slow
def test_torchvision_and_mmpretrain_compute_the_same_with_a_converted_checkpoint(diagnose, tmp_path) -> None:
    from diagnose import networks

    torch.save(trained(networks.build("torch", allocate=True, seed=1).module, seed=1), tmp_path / "torch.pth")
    files = tmp_path / "torch.pth", tmp_path / "mm.pth"
    shape = ("--input", "2x3x32x32", "--format", "json")

    converted = diagnose("diff", "torch", "mm", *shape, "--convert", *files)
    again = diagnose("diff", "torch", "mm", *shape, "--weights-a", files[0], "--weights-b", files[1])

    assert (converted.returncode, again.returncode) == (0, 0), again.stderr
    found = json.loads(again.stdout)["data"]["trained"]
    assert (found["verdict"], len(found["weights"]), found["outputs"]["max_delta"]) == ("equal", 102, 0.0)
    assert json.loads(converted.stdout)["data"]["converted"]["filled"] == 122
