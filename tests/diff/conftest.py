"""What the tests of the diff engine share."""

from collections.abc import Callable

import pytest
from torch import nn

from diagnose.diff.compare import Model, diff
from diagnose.values import GraphDiff, InputSpec


@pytest.fixture(scope="session")
def compare() -> Callable[..., GraphDiff]:
    """Compare two networks at the architectures' input, without their initial weights unless asked."""

    def compared(
        a: nn.Module, b: nn.Module, *, initial: bool = False, shape: tuple[int, ...] = (2, 3, 16, 16)
    ) -> GraphDiff:
        return diff(Model("a", a), Model("b", b), [InputSpec(shape)], initial=initial)

    return compared
