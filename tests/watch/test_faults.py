"""Silent faults: planted, each is found with its place; in the right script none is."""

import pytest

from diagnose.values import FaultKind, Significance
from tests.watch.scripts import RIGHT, changed

LOSS = "criterion(net(x), y)"
STEP = "        optimizer.step()\n"
REAL, OPEN = Significance.REAL, Significance.UNDETERMINED
PER_BATCH = [("    scheduler.step()\n", ""), (STEP, f"{STEP}        scheduler.step()\n")]

PLANTED = {
    "zero_grad is missing": (FaultKind.GRADIENTS_KEPT, REAL, [("        optimizer.zero_grad()\n", "")]),
    "zero_grad before the step": (
        FaultKind.STEP_WITHOUT_GRADIENT,
        REAL,
        [("        loss.backward()\n", "        loss.backward()\n        optimizer.zero_grad()\n")],
    ),
    "never stepped": (
        FaultKind.NEVER_STEPPED,
        REAL,
        [(STEP, ""), ("    scheduler.step()\n", ""), ("scheduler = ", "unused = 0 #")],
    ),
    "learning rate 0": (FaultKind.ZERO_RATE, REAL, [("lr=0.1", "lr=0.0")]),
    "clipped after the step": (
        FaultKind.CLIPPED_AFTER_STEP,
        REAL,
        [(STEP, f"{STEP}        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n")],
    ),
    "scheduler never stepped": (FaultKind.SCHEDULER_IDLE, REAL, [("    scheduler.step()\n", "")]),
    "scheduler before the optimizer": (
        FaultKind.SCHEDULER_FIRST,
        REAL,
        [("    scheduler.step()\n", ""), (STEP, f"        scheduler.step()\n{STEP}"), ("[2, 3]", "[20, 30]")],
    ),
    "milestones of epochs per batch": (FaultKind.SCHEDULE_TOO_FAST, REAL, PER_BATCH),
    "one cycle of batches per epoch": (
        FaultKind.SCHEDULE_TOO_SLOW,
        REAL,
        [("MultiStepLR(optimizer, [2, 3])", "OneCycleLR(optimizer, 0.2, total_steps=40)")],
    ),
    "evaluated in train mode": (FaultKind.EVALUATED_IN_TRAIN_MODE, REAL, [("    net.eval()\n", "")]),
    "train mode not restored": (
        FaultKind.MODE_NOT_RESTORED,
        REAL,
        [("    net.train()\n", ""), ("for epoch", "net.train()\nfor epoch")],
    ),
    "always in eval mode": (FaultKind.TRAINED_IN_EVAL_MODE, OPEN, [("    net.train()\n", "    net.eval()\n")]),
    "dropout that is always active": (
        FaultKind.EVALUATED_IN_TRAIN_MODE,
        REAL,
        [("nn.Dropout(0.1)", "Always()"), ("net = ", "class Always(nn.Module):\n"
          "    def forward(self, x):\n        return F.dropout(x, 0.1)\n\nnet = ")],
    ),
    "softmax before cross-entropy": (
        FaultKind.PROBABILITIES_AS_LOGITS,
        REAL,
        [(LOSS, "criterion(net(x).softmax(1), y)")],
    ),
    "sigmoid before its own": (
        FaultKind.SIGMOID_BEFORE_LOGITS,
        REAL,
        [(LOSS, "F.binary_cross_entropy_with_logits(net(x).sigmoid(), F.one_hot(y, 10).float())")],
    ),
    "softmax before nll_loss": (FaultKind.NO_LOG_PROBABILITIES, REAL, [(LOSS, "F.nll_loss(net(x).softmax(1), y)")]),
    "column against row": (
        FaultKind.BROADCAST_LOSS,
        REAL,
        [("nn.Linear(144, 10)", "nn.Linear(144, 1)"), (LOSS, "F.l1_loss(net(x), y.float())")],
    ),
    "NaN": (FaultKind.LOSS_NOT_FINITE, REAL, [(LOSS, f"{LOSS} * float('nan')")]),
    "a replaced layer": (
        FaultKind.STALE_PARAMETERS,
        REAL,
        [("scheduler = ", "net[-1] = nn.Linear(144, 10)\nscheduler = ")],
    ),
    "a layer in no optimizer": (
        FaultKind.OUTSIDE_OPTIMIZER,
        OPEN,
        [("SGD(net.parameters()", "SGD(net[-1].parameters()")],
    ),
    "a layer without gradient": (
        FaultKind.WITHOUT_GRADIENT,
        OPEN,
        [("nn.Flatten()", "Cut()"), ("net = ", "class Cut(nn.Module):\n"
          "    def forward(self, x):\n        return x.detach().flatten(1)\n\nnet = ")],
    ),
    "weights never averaged": (
        FaultKind.AVERAGE_IDLE,
        REAL,
        [("criterion = ", "average = torch.optim.swa_utils.AveragedModel(net)\ncriterion = ")],
    ),
    "a checkpoint of other names": (
        FaultKind.CHECKPOINT_NOT_TAKEN,
        REAL,
        [("criterion = ", "state = {'module.' + k: v for k, v in net.state_dict().items()}\n"
          "net.load_state_dict(state, strict=False)\ncriterion = ")],
    ),
    "not shuffled": (FaultKind.NOT_SHUFFLED, REAL, [("shuffle=True", "shuffle=False")]),
    "one order in each epoch": (
        FaultKind.ORDER_REPEATED,
        REAL,
        [("    net.train()\n", "    torch.manual_seed(0)\n    net.train()\n")],
    ),
    "one label": (FaultKind.ONE_LABEL, REAL, [("torch.arange(100) % 10", "torch.full((100,), 4)")]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(watched, name):
    kind, significance, changes = PLANTED[name]
    seen = watched(changed(*changes))
    assert kind in seen.faults, (seen.faults, seen.printed)
    fault = seen.faults[kind]
    assert fault.significance is significance
    assert fault.seen >= 1


ALONE = [name for name in PLANTED if name not in ("one order in each epoch", "NaN", "column against row", "one label")]


@pytest.mark.parametrize("name", ALONE)
def test_a_fault_brings_no_second_one(watched, name):
    kind, _, changes = PLANTED[name]
    assert set(watched(changed(*changes)).faults) == {kind}


def test_a_fault_names_its_place(watched):
    seen = watched(changed((LOSS, "criterion(net(x).softmax(1), y)")))
    line = 1 + RIGHT.split("\n").index(f"        loss = {LOSS}")
    assert seen.faults[FaultKind.PROBABILITIES_AS_LOGITS].place == f"train.py:{line}"


def test_labels_beyond_the_classes_are_told_beside_the_error(watched):
    seen = watched(changed(("torch.arange(100) % 10", "torch.arange(100) % 10 + 1")))
    fault = seen.faults[FaultKind.LABELS_OUT_OF_RANGE]
    assert (fault.numbers["highest"], fault.numbers["classes"]) == (10, 10)
    assert seen.script.error.kind == "IndexError"


GAN = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

real = DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=8, shuffle=True)
make, judge = nn.Linear(2, 4), nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
make_optimizer = torch.optim.Adam(make.parameters(), 1e-3)
judge_optimizer = torch.optim.Adam(judge.parameters(), 1e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(2):
    for (x,) in real:
        fake = make(torch.randn(8, 2))
        judge_optimizer.zero_grad()
        (criterion(judge(x), torch.ones(8, 1)) + criterion(judge(fake.detach()), torch.zeros(8, 1))).backward()
        judge_optimizer.step()
        make_optimizer.zero_grad()
        criterion(judge(fake), torch.ones(8, 1)).backward()
        make_optimizer.step()
"""

RIGHT_SCRIPTS = {
    "plain": RIGHT,
    "two networks against each other": GAN,
    "gradients set to zero": changed(("zero_grad()", "zero_grad(set_to_none=False)")),
    "zero_grad after the step": changed(
        ("        optimizer.zero_grad()\n", ""), (STEP, f"{STEP}        optimizer.zero_grad()\n")
    ),
    "zero_grad of the network": changed(("optimizer.zero_grad()", "net.zero_grad()")),
    "a closure": changed(
        ("        loss = criterion(net(x), y)\n        loss.backward()\n", ""),
        ("        optimizer.zero_grad()\n", ""),
        (STEP, "        def closure():\n            optimizer.zero_grad()\n            loss = criterion(net(x), y)\n"
               "            loss.backward()\n            return loss\n        optimizer.step(closure)\n"),
    ),
    "clipped before the step": changed((STEP, f"        nn.utils.clip_grad_norm_(net.parameters(), 1.0)\n{STEP}")),
    "norm statistics renewed": changed(
        ("    evaluate()\n", "    evaluate()\ntorch.optim.swa_utils.update_bn(train_loader, net)\n")
    ),
    "averaged weights": changed(
        ("criterion = ", "average = torch.optim.swa_utils.AveragedModel(net)\ncriterion = "),
        (STEP, f"{STEP}        average.update_parameters(net)\n"),
    ),
    "a frozen trunk": changed(
        ("optimizer = ", "for p in net[:-1].parameters():\n    p.requires_grad = False\noptimizer = ")
    ),
    "frozen norms": changed(("    net.train()\n", "    net.train()\n    net[1].eval()\n")),
    "a network without modes in evaluation": changed(
        ("    net.eval()\n", ""), ("nn.BatchNorm2d(4), ", ""), ("nn.Dropout(0.1), ", "")
    ),
    "probabilities with their own loss": changed((LOSS, "F.nll_loss(net(x).softmax(1).log(), y)")),
    "sigmoid with its own loss": changed(
        (LOSS, "F.binary_cross_entropy(net(x).sigmoid(), F.one_hot(y, 10).float())")
    ),
    "mixed precision with a scaler": changed(
        ("criterion = ", "scaler = torch.amp.GradScaler('cpu')\ncriterion = "),
        ("        loss.backward()\n", "        scaler.scale(loss).backward()\n"),
        (STEP, "        scaler.step(optimizer)\n        scaler.update()\n"),
    ),
    "a schedule per batch": changed(
        *PER_BATCH, ("MultiStepLR(optimizer, [2, 3])", "MultiStepLR(optimizer, [20, 30])")
    ),
    "a schedule by the loss": changed(
        ("MultiStepLR(optimizer, [2, 3])", "ReduceLROnPlateau(optimizer)"),
        ("scheduler.step()", "scheduler.step(1.0)"),
    ),
    "workers": changed(("shuffle=True", "shuffle=True, num_workers=1, persistent_workers=True")),
    "a trial of shapes first": changed(("for epoch", "with torch.no_grad():\n    net(images[:2])\nfor epoch")),
    "LBFGS": changed(
        ("        loss = criterion(net(x), y)\n        loss.backward()\n", ""),
        ("        optimizer.zero_grad()\n", ""),
        ("torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)",
         "torch.optim.LBFGS(net.parameters(), lr=0.01, max_iter=2)"),
        (STEP, "        def closure():\n            optimizer.zero_grad()\n            loss = criterion(net(x), y)\n"
               "            loss.backward()\n            return loss\n        optimizer.step(closure)\n"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT_SCRIPTS)
def test_a_right_script_has_no_fault(watched, name):
    seen = watched(RIGHT_SCRIPTS[name])
    assert seen.script.error is None, seen.printed
    assert seen.script.counts["backwards"] > 0
    assert not seen.faults
