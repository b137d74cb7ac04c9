"""The polynomial degree of a network or of each of its blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnose.case.keys import Key, text, whole, word
from diagnose.case.kind import Assessment, Evidence, Kind
from diagnose.case.kinds.block_degrees import BlockDegree, Degrees, degrees_of_blocks, fit_blocks, fit_network
from diagnose.case.measurements import Measurements, one_thread
from diagnose.values import Cell, Claim, Column, Curve, Curves, Prose, Ruling, Table

if TYPE_CHECKING:
    from diagnose.polynomial.degree import Fit, Growth

BLOCK, NETWORK = "each block", "the network"
IN_EVALUATION = "That is in evaluation mode: in training a batch norm divides by its batch's spread."
SHOWN = 3
"""Degrees whose residuals are shown: 0 to 2."""


def measure(claim: Claim, measurements: Measurements) -> Degrees:
    """Restrict the network, with random weights, or each of its blocks to a line."""
    name, text = claim.get("model"), measurements.text(claim.get("model"))
    with one_thread():
        network_fit = measurements.once(("blocks on a line", text), lambda: fit_blocks(text))
        return fit_network(name, network_fit) if claim.get("of") == NETWORK else degrees_of_blocks(name, network_fit)


def judge(claim: Claim, degrees: Degrees) -> Assessment:
    """Compare the claimed degree with the measured one, of each block or of the whole network."""
    return _judge_network(claim, degrees) if claim.get("of") == NETWORK else _judge_blocks(claim, degrees)


def _judge_blocks(claim: Claim, degrees: Degrees) -> Assessment:
    from diagnose.polynomial.degree import HIGHEST

    wanted, blocks = claim.get("degree"), degrees.blocks
    if not blocks:
        return Assessment(Ruling.UNDETERMINED, f"{degrees.model} has no repeated blocks that take one tensor.")
    if wanted > HIGHEST:
        return Assessment(Ruling.UNDETERMINED, f"A block's degree is fitted up to {HIGHEST}, not to {wanted}.")
    if not all(block.as_it_is.decided for block in blocks) or degrees.skipped:
        return Assessment(Ruling.UNDETERMINED, "Not every block could be fitted clearly.")
    found = {block.as_it_is.degree for block in blocks}
    if found == {wanted}:
        said = f"Each of the {len(blocks)} blocks is a polynomial of degree {wanted}. {IN_EVALUATION}"
        return Assessment(Ruling.SUPPORTED, said)
    if None not in found:
        named = " and ".join(map(str, sorted(degree for degree in found if degree is not None)))
        return Assessment(
            Ruling.REFUTED, f"The blocks are polynomials of degree {named}, not {wanted}. {IN_EVALUATION}"
        )
    piecewise = _piecewise(blocks)
    return Assessment(Ruling.REFUTED, piecewise or f"No polynomial of a degree up to {HIGHEST} fits every block.")


def _piecewise(blocks: tuple[BlockDegree, ...]) -> str:
    """Say what a degree means with ReLUs, where all blocks are pieced together from polynomials of one degree.

    What equals a polynomial of degree n near one input, and does not fit that degree along a line, is none.
    """
    near = {_near(block) for block in blocks}
    degree = near.pop()
    if near or degree is None:
        return ""
    return (
        f"With ReLU no block is a polynomial: each is pieced together from polynomials of degree {degree}. With every "
        f"ReLU frozen as it is at one input, every block has degree {degree}; “order {degree}” then holds piecewise, "
        "between the inputs at which a ReLU switches."
    )


def _near(block: BlockDegree) -> int | None:
    """Return the degree of a block that is no polynomial with its ReLUs frozen, None for any other block."""
    return block.frozen.degree if block.frozen is not None and block.frozen.decided else None


def _judge_network(claim: Claim, degrees: Degrees) -> Assessment:
    wanted, found = claim.get("degree"), degrees.growth.degree if degrees.growth else None
    unfitted = [block for block in degrees.blocks if block.as_it_is.decided and block.as_it_is.degree is None]
    if any(_near(block) is not None for block in unfitted):
        grows = f"; it grows like degree {found}" if found is not None else ""
        said = f"Not a polynomial: a part of it is one only between the switches of its ReLUs{grows}."
        return Assessment(Ruling.REFUTED, said)
    if unfitted:
        grows = f", which grows like degree {found}" if found is not None else ""
        return Assessment(Ruling.UNDETERMINED, f"A part of the network{grows}, has no degree that could be fitted.")
    if found is None or not degrees.blocks or not all(block.as_it_is.decided for block in degrees.blocks):
        return Assessment(Ruling.UNDETERMINED, "The growth did not settle on a degree before it overflowed.")
    said = f"The network grows like degree {found}; the product of its blocks' degrees is {_product(degrees)}."
    if found != _product(degrees):
        return Assessment(Ruling.UNDETERMINED, said)
    return Assessment(Ruling.SUPPORTED if found == wanted else Ruling.REFUTED, f"{said} {IN_EVALUATION}")


def _product(degrees: Degrees) -> int:
    product = 1
    for block in degrees.blocks:
        product *= block.as_it_is.degree or 0
    return product


def evidence(claim: Claim, degrees: Degrees) -> Evidence:
    """Show each block's residuals, and the growth of the network."""
    frozen = any(block.frozen for block in degrees.blocks)
    columns = (
        Column("Block"),
        Column("Degree"),
        *((Column("With ReLUs frozen"),) if frozen else ()),
        *(Column(f"Residual, degree {degree}") for degree in range(SHOWN)),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            block.path,
            _degree(block.as_it_is),
            *((_degree(block.frozen),) if frozen else ()),
            *_residuals(block.as_it_is),
        )
        for block in degrees.blocks
    )
    note = (
        "Random weights and running statistics, float64, eval mode, along a random line. Residual: largest at "
        "held-out points, relative to the largest value there; a degree fits at 1e-9 or less."
    )
    items = (Table("Each block", columns, rows, note=note), *_growth(degrees.growth))
    data = {
        "model": degrees.model,
        "blocks": [
            {"path": b.path, "degree": b.as_it_is.degree, "frozen": b.frozen.degree if b.frozen else None}
            for b in degrees.blocks
        ],
        "growth": degrees.growth.degree if degrees.growth else None,
    }
    return Evidence(items, data, degrees.skipped)


def _degree(fit: Fit | None) -> Cell:
    if fit is None:
        return None
    if not fit.decided:
        return "undetermined"
    return "no polynomial" if fit.degree is None else str(fit.degree)


def _residuals(fit: Fit) -> tuple[Cell, ...]:
    from diagnose.polynomial.degree import FITS

    shown = ["fits" if residual <= FITS else f"{residual:.1g}" for residual in fit.residuals[:SHOWN]]
    return (*shown, *[None] * (SHOWN - len(shown)))


def _growth(growth: Growth | None) -> tuple[Prose | Curves, ...]:
    if growth is None:
        return ()
    if len(growth.rates) < 2:
        return (Prose("The whole network overflows at once, so that its growth tells nothing.", "caution"),)
    doublings = tuple(float(i) for i in range(len(growth.rates)))
    curve = Curve("log₂(‖f(2t)‖ / ‖f(t)‖)", doublings, tuple(round(rate, 2) for _, rate in growth.rates))
    said = Prose("Along a line the growth rate of a polynomial of degree n tends to n; a fit would only bound it.")
    return (said, Curves("Growth of the whole network", "doublings of t", "degree", (curve,)))


KIND = Kind(
    "degree",
    'that `of` "each block" or "the network" `model` is a polynomial of `degree` in its input',
    (
        Key("model", text, models=True),
        Key("degree", whole(0, 1_000_000)),
        Key("of", word(BLOCK, NETWORK)),
    ),
    measure,
    judge,
    evidence,
)
