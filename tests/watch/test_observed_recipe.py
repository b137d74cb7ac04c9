"""The recipe that acts: what a script does is what is read off it."""

import math

import pytest

from diagnose.recipes.fields import FIELDS
from diagnose.values import NOT_STATED, Augmentation, Basis, Ending, FactKind, Normalisation, Schedule, SightingKind
from tests.watch.scripts import changed


@pytest.fixture(scope="module")
def right(watched):
    return watched(changed())


def test_every_field_of_a_recipe_is_told_once(right):
    assert sorted(setting.key for setting in right.script.settings) == sorted(FIELDS)


def test_the_fields_of_a_plain_script(right):
    expected = {
        "optimizer": "SGD",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "nesterov": False,
        "weight_decay": 5e-4,
        "weight_decay_on": "all parameters",
        "schedule": Schedule("step", (2.0, 3.0), 0.1),
        "schedule_steps": "after each epoch",
        "epochs": 4,
        "batch_size": 8,
        "train_images": 80,
        "held_out": 20,
        "loss": "cross-entropy",
        "label_smoothing": 0.0,
        "seed": 3,
    }
    assert {key: value for key, value in right.values.items() if value is not NOT_STATED} == expected


def test_what_is_not_observed_has_a_reason(right):
    missing = {key: right.reasons[key] for key, value in right.values.items() if value is NOT_STATED}
    assert missing == {
        "normalisation": SightingKind.NO_TRANSFORMS,
        "augmentation": SightingKind.NO_TRANSFORMS,
        "init": SightingKind.INITIAL_WEIGHTS,
        "evaluated_epoch": SightingKind.EVALUATED_OFTEN,
        "evaluated_on": SightingKind.NO_SPLIT,
    }
    assert {right.bases[key] for key in missing} == {Basis.NOT_OBSERVED}


def test_the_rate_of_each_step(right):
    assert right.script.course.rates == pytest.approx([0.1] * 16 + [0.01] * 8 + [0.001] * 8)


def test_a_shortened_pass_is_told(right):
    (loader,) = right.script.shortened
    assert (loader.batches, loader.length, loader.passes, loader.trains) == (8, 10, 4, True)


def test_a_full_run_shortens_nothing(watched):
    full = watched(changed(), batches=None)
    assert not full.script.shortened
    assert full.script.counts["steps"] == 40
    assert len(full.script.course.losses) == 40


def test_the_length_of_a_loader_stays_true(watched):
    seen = watched(changed(("def train_epoch", "print('length', len(train_loader))\ndef train_epoch")))
    assert "length 10" in seen.printed


def test_watching_changes_no_number_of_a_full_run(watched):
    digest = ("    evaluate()\n", "    evaluate()\nprint(sum(p.double().sum().item() for p in net.parameters()))\n")
    plain, seen = {}, watched(changed(digest), batches=None)
    exec(changed(digest, ("print(", "total = (")), plain)
    assert float(seen.printed) == pytest.approx(plain["total"], rel=1e-9)


def test_an_earlier_end_leaves_the_epochs_open(watched):
    seen = watched(changed(), epochs=2)
    assert seen.script.ending is Ending.EPOCHS
    assert seen.script.counts["epochs"] == 2
    assert seen.script.counts["evaluations"] == 2
    assert seen.reasons["epochs"] is SightingKind.ENDED_EARLY
    assert (seen.values["schedule"], seen.bases["schedule"]) == (Schedule("step", (2.0, 3.0), 0.1), Basis.READ)


def test_an_error_ends_the_script_and_what_was_seen_is_kept(watched):
    seen = watched(changed(("    evaluate()\n", "    evaluate()\n    raise ValueError('no such epoch')\n")))
    assert seen.script.ending is Ending.FAILED
    assert (seen.script.error.kind, seen.script.error.message) == ("ValueError", "no such epoch")
    assert seen.script.counts["steps"] == 8
    assert seen.values["momentum"] == 0.9


SCHEDULES = {
    "before each epoch": (
        [("    train_epoch()\n    scheduler.step()", "    scheduler.step()\n    train_epoch()")],
        Schedule("step", (2.0, 3.0), 0.1),
        "before each epoch",
    ),
    "steps of one size": (
        [("MultiStepLR(optimizer, [2, 3])", "StepLR(optimizer, 2, 0.5)")],
        Schedule("step", (2.0, 4.0), 0.5),
        "after each epoch",
    ),
    "cosine": (
        [("MultiStepLR(optimizer, [2, 3])", "CosineAnnealingLR(optimizer, 4)")],
        Schedule("cosine"),
        "after each epoch",
    ),
    "cosine per step": (
        [
            ("MultiStepLR(optimizer, [2, 3])", "CosineAnnealingLR(optimizer, 40)"),
            ("    scheduler.step()\n", ""),
            ("        optimizer.step()", "        optimizer.step()\n        scheduler.step()"),
        ],
        Schedule("cosine"),
        "after each step",
    ),
    "one cycle": (
        [
            ("MultiStepLR(optimizer, [2, 3])", "OneCycleLR(optimizer, 0.2, total_steps=40)"),
            ("    scheduler.step()\n", ""),
            ("        optimizer.step()", "        optimizer.step()\n        scheduler.step()"),
        ],
        Schedule("one-cycle", peak=0.2),
        "after each step",
    ),
    "by hand": (
        [
            ("    scheduler.step()\n", "    optimizer.param_groups[0]['lr'] = 0.1 if epoch < 1 else 0.05\n"),
            ("scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3])\n", ""),
        ],
        Schedule("step", (2.0,), 0.5),
        NOT_STATED,
    ),
    "none": (
        [
            ("    scheduler.step()\n", ""),
            ("scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3])\n", ""),
        ],
        Schedule("constant"),
        NOT_STATED,
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule(watched, name):
    changes, schedule, steps = SCHEDULES[name]
    seen = watched(changed(*changes))
    assert seen.values["schedule"] == schedule
    assert seen.values["schedule_steps"] == steps


def test_a_one_cycle_of_another_shape_is_not_called_one_cycle(watched):
    changes = list(SCHEDULES["one cycle"][0])
    changes[0] = (changes[0][0], "OneCycleLR(optimizer, 0.2, total_steps=40, pct_start=0.5)")
    assert watched(changed(*changes)).values["schedule"].kind == "other"


def test_rates_that_a_scheduler_does_not_explain_are_not_its_own(watched):
    seen = watched(
        changed(("    scheduler.step()\n", "    scheduler.step()\n    optimizer.param_groups[0]['lr'] *= 0.7\n"))
    )
    assert seen.values["schedule"].kind != "step"


def test_groups_without_decay(watched):
    groups = """optimizer = torch.optim.SGD([
    {"params": [p for p in net.parameters() if p.ndim > 1]},
    {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
], lr=0.1, weight_decay=5e-4)"""
    line = "optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)"
    seen = watched(changed((line, groups)))
    assert seen.values["weight_decay"] == 5e-4
    assert seen.values["weight_decay_on"] == "all but norms and biases"
    assert seen.values["momentum"] == 0.0
    assert FactKind.PARAMETER_GROUPS in seen.facts


def test_an_adam_has_no_momentum(watched):
    line = "torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)"
    seen = watched(changed((line, "torch.optim.AdamW(net.parameters(), lr=0.001, betas=(0.8, 0.99))")))
    assert (seen.values["optimizer"], seen.values["momentum"]) == ("AdamW", NOT_STATED)
    assert seen.values["weight_decay"] == 0.01
    assert seen.reasons["momentum"] is SightingKind.NO_SUCH_NUMBER
    assert "betas [0.8, 0.99]" in seen.facts[FactKind.HYPERPARAMETERS]


def test_accumulated_batches_make_the_batch_of_a_step(watched):
    accumulated = """
    for i, (x, y) in enumerate(train_loader):
        (criterion(net(x), y) / 2).backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()
"""
    loop = changed().partition("    net.train()\n")[2].partition("\ndef evaluate")[0]
    seen = watched(changed((loop, accumulated)))
    assert seen.values["batch_size"] == 16
    assert seen.facts[FactKind.ACCUMULATION] == "2"
    assert not seen.faults


def test_clipping_and_how_often_it_acted(watched):
    clip = "nn.utils.clip_grad_norm_(net.parameters(), 1e-3)\n        optimizer.step()"
    seen = watched(changed(("optimizer.step()", clip)))
    assert seen.facts[FactKind.CLIPPING] == "clip_grad_norm_ at 0.001; it acted in 32 of 32 calls"
    assert not seen.faults


def test_mixed_precision(watched):
    seen = watched(
        changed(("        loss = ", "        with torch.autocast('cpu', torch.bfloat16):\n            loss = "))
    )
    assert seen.facts[FactKind.PRECISION] == "autocast to torch.bfloat16"
    assert not seen.faults


def test_label_smoothing_and_a_log_softmax(watched):
    smooth = watched(changed(("nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(label_smoothing=0.1)")))
    assert smooth.values["label_smoothing"] == 0.1
    nll = watched(changed(("criterion(net(x), y)", "F.nll_loss(F.log_softmax(net(x), 1), y)")))
    assert (nll.values["loss"], nll.values["label_smoothing"]) == ("cross-entropy", 0.0)


def test_one_evaluation_at_the_end_is_of_the_last_epoch(watched):
    seen = watched(changed(("    evaluate()\n", ""), ("for epoch", "for epoch"), text=changed() + "evaluate()\n"))
    assert seen.values["evaluated_epoch"] == "last"


TRANSFORMS = """
import torchvision.transforms as T
from torchvision.datasets import FakeData

class Images(FakeData):
    train = {train}

def images_of(train, transform):
    images = Images(80 if train else 20, (3, 32, 32), 10, transform)
    images.train = train
    return images

normalise = T.Normalize((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
augment = [T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), {more}T.ToTensor(), normalise]
train = images_of(True, T.Compose(augment))
test = images_of(False, T.Compose([T.ToTensor(), normalise]))
"""


def _with_transforms(more=""):
    line = "images, labels = torch.rand(100, 3, 8, 8), torch.arange(100) % 10\n"
    split = "train, test = random_split(TensorDataset(images, labels), [80, 20])\n"
    text = TRANSFORMS.replace("{train}", "None").replace("{more}", more)
    return changed((line, ""), (split, text), ("nn.Linear(144, 10)", "nn.LazyLinear(10)"))


def test_transforms_of_torchvision(watched):
    seen = watched(_with_transforms(), batches=2, epochs=1)
    assert seen.values["normalisation"] == Normalisation((127.5, 102.0, 76.5), (51.0, 63.75, 76.5))
    assert seen.values["augmentation"] == Augmentation(4, 32, 0.5)
    assert seen.values["evaluated_on"] == "test"
    assert seen.reasons["held_out"] is SightingKind.NO_SUBSET


def test_a_function_among_the_transforms_may_do_anything(watched):
    seen = watched(_with_transforms("(lambda image: image), "), batches=2, epochs=1)
    assert seen.reasons["normalisation"] is seen.reasons["augmentation"] is SightingKind.UNKNOWN_TRANSFORMS


def test_a_further_transform_is_named(watched):
    seen = watched(_with_transforms("T.RandomRotation(15), "), batches=2, epochs=1)
    assert seen.values["augmentation"].other[0].startswith("RandomRotation(")


def test_no_training_leaves_everything_open(watched):
    seen = watched("import torch\n")
    assert set(seen.values.values()) == {NOT_STATED}
    assert not seen.faults


def test_a_hand_written_update_is_no_known_optimizer(watched):
    by_hand = """optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 0.1 * p.grad"""
    step = """optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()"""
    text = changed((step, by_hand.replace("optimizer.", "net.")), ("    scheduler.step()\n", ""))
    seen = watched(text.replace("optimizer = ", "unused = 0 #").replace("scheduler = ", "unused = 0 #"))
    assert seen.reasons["optimizer"] is SightingKind.NO_OPTIMIZER
    assert seen.values["loss"] == "cross-entropy"
    assert not seen.faults


def test_a_cosine_as_observed_is_the_formula(watched):
    seen = watched(changed(*SCHEDULES["cosine"][0]))
    expected = [0.05 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4) for _ in range(8)]
    assert seen.script.course.rates == pytest.approx(expected)


def test_a_seed_is_seen_where_torch_has_wrapped_its_own_function(watched):
    text = changed(("torch.manual_seed(3)", "import torch._dynamo\ntorch.manual_seed(3)"))
    assert watched(text, epochs=1).values["seed"] == 3


def test_scripted_functions_find_their_names_and_torchs_own_losses(watched):
    function = """@torch.jit.script
def scripted(x, y: torch.Tensor):
    return F.cross_entropy(x, y) + of_here(x)

"""
    before = "def of_here(x):\n    return x.sum() * 0\n\n"
    seen = watched(
        changed(("def train_epoch", f"{before}{function}def train_epoch"), ("criterion(", "scripted(")), epochs=1
    )
    assert seen.script.error is None, seen.printed
    assert seen.reasons["loss"] is SightingKind.NO_LOSS


def test_an_optimizer_that_makes_no_step_is_read_off(watched):
    seen = watched("import torch\ntorch.optim.SGD(torch.nn.Linear(2, 2).parameters(), 0.3, momentum=0.9)\n")
    assert (seen.values["learning_rate"], seen.values["momentum"]) == (0.3, 0.9)
    assert {seen.bases["learning_rate"], seen.bases["momentum"]} == {Basis.READ}
    assert seen.reasons["schedule"] is SightingKind.NO_STEP


def test_data_made_anew_in_each_epoch_is_one_loader(watched):
    anew = """    data = TensorDataset(torch.rand(80, 3, 8, 8), torch.arange(80) % 10)
    for x, y in DataLoader(data, batch_size=8, shuffle=True):"""
    seen = watched(changed(("    for x, y in train_loader:", anew)))
    assert (seen.values["epochs"], seen.values["train_images"]) == (4, 80)


def test_two_loaders_in_one_place_are_two(watched):
    both = """    for loader in (train_loader, DataLoader(TensorDataset(images[:80], labels[:80]), 8, shuffle=True)):
        run(loader)

def run(loader):
    for x, y in loader:"""
    text = changed(
        ("random_split(TensorDataset(images, labels), [80, 20])", "(TensorDataset(images[:80], labels[:80]),) * 2")
    )
    seen = watched(changed(("    for x, y in train_loader:", both), text=text), epochs=2)
    assert seen.reasons["train_images"] is SightingKind.SEVERAL_LOADERS
