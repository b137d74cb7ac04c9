"""Assertions for anybody's tests: the report is the assertion's message, and the page is written beside it.

    from diagnose.testing import assert_equivalent

    def test_my_port():
        assert_equivalent(MyResNet(), "torchvision:resnet18", inputs="1x3x224x224")

Under pytest the page goes to its temporary folder, else to the system's.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from diagnose.errors import UsageError

if TYPE_CHECKING:
    from diagnose.api import Drawable, Inputs, Mode, Network, NetworkComparison

__all__ = ["assert_equivalent", "assert_operations", "assert_parameters"]


def assert_equivalent(
    a: Network,
    b: Network,
    *,
    inputs: Inputs = None,
    mode: Mode = "both",
    weights: Literal["transplanted", "own"] = "transplanted",
    atol: float | None = None,
    seed: int = 0,
) -> None:
    """Fail where two networks are not shown to be the same function.

    An undetermined comparison fails, too: it says that nothing was shown.

    Args:
        a: the candidate, a module or a MODEL text; a module stays as it is.
        b: the reference.
        inputs: what both are given, the batch first, (N, C, H, W) for images; see `diagnose.Inputs`.
        mode: what is compared: "eval", "train" with gradients and buffers, or "both".
        weights: "transplanted" asks whether the networks are the same, whatever their weights; "own" whether they
            compute the same in eval mode with the weights that they have.
        atol: pass, too, where the networks differ but no |Δ| on two random inputs, in float64, is larger. That is a
            weaker statement: other inputs may show more.
        seed: of the initial weights of MODEL texts, and of the random inputs.

    Raises:
        AssertionError: they differ, or it is undetermined.
        DiagnoseError: one of them cannot be built, copied or run.

    Examples:
        >>> from torch import nn
        >>> assert_equivalent(nn.Sequential(nn.Linear(4, 4)), nn.Linear(4, 4), inputs="1x4")
        >>> assert_equivalent(nn.ReLU(), nn.SiLU(), inputs="1x4")
        Traceback (most recent call last):
        ...
        AssertionError: ReLU against SiLU
        ...
    """
    __tracebackhide__ = True
    if atol is not None and not atol >= 0:
        raise UsageError(f"atol is {atol}.", hint="It is the largest |Δ| that passes, 0 or more.")
    from diagnose.api import compare

    comparison = compare(a, b, inputs=inputs, mode=mode, weights=weights, seed=seed)
    if comparison.verdict == "equivalent":
        return
    if atol is not None and _is_within(comparison, mode, weights, atol):
        return
    said = ""
    if comparison.verdict in ("undetermined", "equal by numbers"):
        said = "Nothing is shown to differ, and nothing shows that they are the same; an assertion needs the latter."
    _fail(comparison, said)


def _is_within(comparison: NetworkComparison, mode: str, weights: str, atol: float) -> bool:
    """Say whether every number of the comparison is there and no larger than `atol`."""
    proof, deltas = comparison.proof, []
    if weights == "own":
        outputs = comparison.trained.outputs if comparison.trained is not None else None
        deltas = [None if outputs is None else outputs.delta]
    else:
        deltas += [proof.eval] if mode != "train" else []
        deltas += [proof.train, proof.gradients, proof.buffers] if mode != "eval" else []
    return all(delta is not None and delta <= atol for delta in deltas)


def assert_parameters(model: Network, reported: str, *, inputs: Inputs = None, seed: int | None = None) -> None:
    """Fail where a network has not the number of parameters that a document states.

    Args:
        model: a module or a MODEL text; a module stays as it is.
        reported: the number as the document writes it. Its last digit says how far it may be off: "11.2M" is met by
            11,150,000 to 11,250,000 where it was rounded, and by 11,200,000 to 11,299,999 where it was truncated.
        inputs: of the forward pass that tells which parameters are used; see `diagnose.Inputs`.
        seed: of a MODEL that draws random numbers while it is built.

    Raises:
        AssertionError: it has another number; the message says which edits would give the stated one.
        UsageError: the number or the network is not what it should be.

    Examples:
        >>> from torch import nn
        >>> assert_parameters(nn.Linear(784, 10), "7.85k")
    """
    __tracebackhide__ = True
    from diagnose.api import count_parameters, explain_parameters
    from diagnose.api.counts import is_met_by

    total = count_parameters(model, inputs=inputs, seed=seed).total
    if not is_met_by(reported, total):
        _fail(explain_parameters(model, reported, inputs=inputs, seed=seed), "")


def assert_operations(
    model: Network, reported: str, *, inputs: Inputs = None, train: bool = False, seed: int | None = None
) -> None:
    """Fail where no known convention gives the figure that a document states for a network's operations.

    Args:
        model: a module or a MODEL text; a module stays as it is.
        reported: the figure as the document writes it: "0.56G", "4.09 GFLOPs". Papers write FLOPs for MACs, so that any
            convention may meet it; its last digit says how far it may be off.
        inputs: the batch first, (N, C, H, W) for images; see `diagnose.Inputs`.
        train: of a training step, forward and backward.
        seed: of a MODEL that draws random numbers while it is built.

    Raises:
        AssertionError: nothing gives the figure on the network as it is, or its total is a lower bound.
        DiagnoseError: the figure cannot be read, or the network does not run.

    Examples:
        >>> from torch import nn
        >>> assert_operations(nn.Conv2d(3, 8, 3, padding=1, bias=False), "221k", inputs="1x3x32x32")
    """
    __tracebackhide__ = True
    from diagnose.api import count_operations

    count = count_operations(model, inputs=inputs, train=train, reported=reported, seed=seed)
    if not count.is_met:
        _fail(count, "The totals are lower bounds." if count.is_lower_bound else "")


def _fail(result: Drawable, said: str) -> None:
    __tracebackhide__ = True
    page = _page_folder() / f"{_test_name()}.html"
    number = 1
    while page.exists():
        number += 1
        page = page.with_stem(f"{_test_name()}-{number}")
    result.save(page)
    raise AssertionError("\n".join(filter(None, (str(result), said, f"The page: {page}"))))


def _page_folder() -> Path:
    """Return pytest's temporary folder where the plugin knows it, else a new one."""
    plugin = sys.modules.get("diagnose.pytest_plugin")
    folder: Path | None = plugin.page_folder() if plugin is not None else None
    if folder is not None:
        return folder
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="diagnose-"))


def _test_name() -> str:
    """Return the name of the running test as a file's, "report" outside pytest."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].partition(" ")[0]
    return re.sub(r"[^\w.-]+", "-", test)[:80].strip("-.") or "report"
