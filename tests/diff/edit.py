"""Exchange parts of a network in place; what rewrites and planted differences are written with."""

from collections.abc import Callable

from torch import Tensor, nn


class Run(nn.Module):
    """A module whose forward pass is another function of its parts."""

    def __init__(self, function: Callable[..., Tensor], **parts: object) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, *values: Tensor) -> Tensor:
        return self.function(self, *values)


def of(*kinds: type[nn.Module]) -> Callable[[nn.Module], bool]:
    return lambda module: type(module) in kinds


def swap(
    model: nn.Module,
    wanted: Callable[[nn.Module], bool],
    make: Callable[[nn.Module], nn.Module],
    only: int | None = None,
) -> list[str]:
    """Put `make(part)` in place of every part that is `wanted`, or of the one at position `only`; return the paths."""
    found = [(path, module) for path, module in model.named_modules() if path and wanted(module)]
    if only is not None:
        found = found[only : only + 1] if only >= 0 else found[only:][:1]
    for path, module in found:
        parent, _, name = path.rpartition(".")
        setattr(model.get_submodule(parent), name, make(module))
    return [path for path, _ in found]


def change(
    model: nn.Module, wanted: Callable[[nn.Module], bool], alter: Callable[[nn.Module], None], only: int
) -> list[str]:
    """Alter the part at position `only` among those `wanted`; return its path."""
    found = [(path, module) for path, module in model.named_modules() if wanted(module)]
    found = found[only:][:1] if only < 0 else found[only : only + 1]
    for _, module in found:
        alter(module)
    return [path for path, _ in found]
