"""Which kind of norm a module is, wherever it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnose.case.keys import Key, text, word
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.measurements import Measurements
from diagnose.values import Claim, Column, Ruling, Table

if TYPE_CHECKING:
    from torch import nn

NORMS = ("batch norm", "instance norm", "layer norm", "group norm", "RMS norm")
OTHER = "another module"


@dataclass(frozen=True, slots=True)
class Norms:
    """Every module of that name: its path, its kind, and how it prints itself."""

    name: str
    found: tuple[tuple[str, str, str], ...]


def measure(claim: Claim, measurements: Measurements) -> Norms:
    """Find every module of the name in the network."""
    module = measurements.built(claim.get("model")).module
    name = claim.get("module")
    return Norms(name, tuple(_named(module, name)))


def _named(model: nn.Module, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield the modules that stand under `name` in any other, a property's target by its own path.

    mmpretrain's blocks name a norm by a property, so `norm3` is no entry of the module tree.
    """
    from torch import nn

    paths = {id(module): path for path, module in model.named_modules()}
    for path, owner in model.named_modules():
        held = owner._modules.get(name)
        if held is None and isinstance(getattr(type(owner), name, None), property):
            held = getattr(owner, name)
        if isinstance(held, nn.Module):
            yield paths.get(id(held), f"{path}.{name}"), _kind(held), repr(held).splitlines()[0]


def _kind(module: nn.Module) -> str:
    from torch import nn

    if isinstance(module, nn.GroupNorm):  # one group per channel is instance norm
        return "instance norm" if module.num_groups == module.num_channels else "group norm"
    known: tuple[tuple[type[nn.Module], str], ...] = (
        (nn.modules.batchnorm._BatchNorm, "batch norm"),
        (nn.modules.instancenorm._InstanceNorm, "instance norm"),
        (nn.LayerNorm, "layer norm"),
        (nn.RMSNorm, "RMS norm"),
    )
    return next((kind for cls, kind in known if isinstance(module, cls)), OTHER)


def judge(claim: Claim, norms: Norms) -> Assessment:
    """Compare the kinds that were found with the one that is claimed."""
    wanted = claim.get("norm")
    if not norms.found:
        return Assessment(Ruling.UNDETERMINED, f"No module named {norms.name} was found.")
    counts = Counter(kind for _, kind, _ in norms.found)
    said = " and ".join(f"{kind} in {count} of {len(norms.found)} blocks" for kind, count in counts.items())
    if set(counts) == {wanted}:
        return Assessment(Ruling.SUPPORTED, f"{norms.name} is {said}.")
    if wanted in counts or OTHER in counts:
        return Assessment(Ruling.UNDETERMINED, f"{norms.name} is {said}.")
    return Assessment(Ruling.REFUTED, f"{norms.name} is {said}, not {wanted}.")


def evidence(claim: Claim, norms: Norms) -> Evidence:
    """List every module of the name."""
    table = Table("", (Column("Module"), Column("Kind"), Column("As it prints itself")), norms.found)
    return Evidence((table,), {"module": norms.name, "found": [list(row) for row in norms.found]})


KIND = Kind(
    "norm",
    "that every `module` of that name in `model` is the kind of `norm`",
    (Key("model", text, models=True), Key("module", text), Key("norm", word(*NORMS))),
    measure,
    judge,
    evidence,
)
