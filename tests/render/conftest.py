"""A report as `diagnose params prodpoly --reported 6.0M` makes it, and hostile text for every field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from diagnose.values import (
    AlignedTree,
    Bar,
    Bars,
    Column,
    Curve,
    Curves,
    Finding,
    Interval,
    Intervals,
    Prose,
    Report,
    Section,
    Significance,
    Skipped,
    Step,
    Table,
    TreeRow,
    Waterfall,
)

STAGES = (
    ("stem", "conv1, bn1", 0, 1_856, 0.04),
    ("stage 1", "layer1", 2, 148_224, 2.81),
    ("stage 2", "layer2", 2, 525_952, 9.97),
    ("stage 3", "layer3", 1, 919_296, 17.43),
    ("stage 4", "layer4", 1, 3_674_496, 69.66),
    ("head", "fc", 0, 5_130, 0.10),
)

CANDIDATES = (
    ("two 1×1 convolutions per block on the second-order path", 2, 6_012_234, "rounded, truncated", "yes", "pinet_1x1"),
    ("blocks per stage [4, 4, 1, 1]", 2, 6_015_498, "rounded, truncated", "yes", "excluded by --keep blocks"),
    ("width 68 instead of 64", 3, 5_952_894, "rounded", "yes", "excluded by --keep widths"),
)


@pytest.fixture
def params_report() -> Report:
    return Report(
        schema="diagnose.params/1",
        title="Parameters of prodpoly",
        environment={"diagnose": "0.1.0", "python": "3.11.2", "platform": "Linux-6.1", "torch": "2.12.1"},
        sections=(_verdict(), _gap(), _counts(), _effects(), _folded()),
        findings=(
            Finding(
                "parameters",
                Significance.UNDETERMINED,
                ("layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer4.0"),
                6,
                "The second-order term may hold two 1×1 convolutions that this model lacks.",
                ("5,274,954 + 2 × 368,640 = 6,012,234, which reads 6.0M", "no published backbone has two"),
            ),
        ),
        skipped=(
            Skipped("cross-check with fvcore", "not asked for; --cross-check runs it"),
            Skipped("edits of q/k/v biases and embeddings", "the model has no attention and no embedding"),
        ),
        data={"model": "prodpoly", "total": 5_274_954, "reported": {"text": "6.0M", "rounded": [5_950_000, 6_050_000]}},
    )


def _verdict() -> Section:
    return Section(
        "",
        (
            Prose(
                "prodpoly has 5,274,954 parameters, 12.1 % below the reported 6.0M; two 1×1 convolutions per block "
                "would close the gap.",
                "verdict",
            ),
            Prose(
                "A matching count does not prove a design. Read as “6M” (5.5–6.5M), the authors' published "
                "one-convolution variant with 5,643,594 parameters already fits.",
                "caution",
            ),
            Prose("`diagnose diff prodpoly pinet_1x1_relu` shows where they differ.", "hint"),
        ),
    )


def _gap() -> Section:
    return Section(
        "The gap to 6.0M",
        (
            Prose(
                "One 1×1 convolution per block adds 368,640 parameters. The gap is 1.83–2.10 of them if 6.0M was "
                "rounded (5.95–6.05M), 1.97–2.24 if it was truncated (6.0–6.1M)."
            ),
            Waterfall(
                "From prodpoly to the reported 6.0M",
                "parameters",
                "prodpoly",
                5_274_954,
                (Step("first 1×1 convolution, ×6 blocks", 368_640), Step("second 1×1 convolution, ×6 blocks", 368_640)),
                "prodpoly with two 1×1 convolutions",
                (5_950_000, 6_050_000),
                "6.0M, rounded",
            ),
            Table(
                "Edits that close it",
                (
                    Column("edit"),
                    Column("cost", numeric=True),
                    Column("parameters", numeric=True),
                    Column("fits"),
                    Column("verified", low_priority=True),
                    Column("source", low_priority=True),
                ),
                CANDIDATES,
                marked=(0,),
                note="Where a convolution stands does not change the count: such candidates are one.",
            ),
        ),
    )


def _counts() -> Section:
    return Section(
        "Where the parameters are",
        (
            Table(
                "By stage",
                (
                    Column("stage"),
                    Column("modules", low_priority=True),
                    Column("residual blocks", numeric=True),
                    Column("parameters", numeric=True),
                    Column("share (%)", numeric=True),
                ),
                STAGES,
                total=("total", None, 6, 5_274_954, 100.0),
            ),
            Bars(
                "By kind of layer",
                "parameters",
                (
                    Bar("3×3 convolution", 5_089_984, marked=True),
                    Bar("1×1 convolution", 172_032),
                    Bar("batch norm", 7_808),
                    Bar("linear", 5_130),
                ),
            ),
        ),
    )


def _effects() -> Section:
    epochs = tuple(float(e) for e in range(1, 13))
    accuracy = (41.0, 58.2, 66.9, 72.5, 77.1, 80.4, 83.2, 85.0, 87.7, 90.1, 91.6, 92.1)
    return Section(
        "What else differs",
        (
            AlignedTree(
                "One residual block",
                "prodpoly",
                "pinet_1x1_relu",
                (
                    TreeRow(0, "layer1.0", "layer1.0"),
                    TreeRow(1, "conv1  3×3, 64 → 64", "conv1  3×3, 64 → 64"),
                    TreeRow(
                        1, "relu  called twice", "relu1, relu2", Significance.COSMETIC, "registered once, called twice"
                    ),
                    TreeRow(
                        1, None, "conv3  1×1, 64 → 64", Significance.REAL, "a convolution on the second-order path"
                    ),
                    TreeRow(1, "norm3", "norm3", Significance.UNDETERMINED, "momentum not stated"),
                    TreeRow(0, "layer1.1 … layer4.0", "layer1.1 … layer4.0", folded=True),
                ),
            ),
            Curves(
                "Test accuracy",
                "epochs",
                "%",
                (
                    Curve(
                        "prodpoly, n = 3",
                        epochs,
                        accuracy,
                        tuple(a - 1.2 for a in accuracy),
                        tuple(a + 0.9 for a in accuracy),
                    ),
                    Curve(
                        "torchvision resnet18, n = 3",
                        epochs,
                        tuple(a - 4.5 + 0.1 * e for a, e in zip(accuracy, epochs, strict=True)),
                    ),
                ),
            ),
            Intervals(
                "Effect on test accuracy, 95 % intervals",
                "percentage points",
                (
                    Interval("momentum 0.9 instead of 0", 1.42, 0.91, 1.93),
                    Interval("weight decay 5e-4 instead of 0", 0.88, -0.12, 1.88),
                    Interval("50,000 training images instead of 40,000", 0.61, 0.33, 0.89),
                ),
            ),
        ),
    )


def _folded() -> Section:
    rows = tuple(
        (f"layer{i}.0.conv{j}.weight", "3×3 convolution", f"({64 * i}, 64, 3, 3)", 36_864 * i)
        for i in (1, 2, 3, 4)
        for j in (1, 2)
    )
    columns = (Column("tensor"), Column("kind"), Column("shape"), Column("parameters", numeric=True))
    return Section("Every tensor", (Table("", columns, rows), Prose("Buffers are not parameters.")), folded=True)


HOSTILE = (
    "<script>window.ran = 1; console.error('ran')</script>",
    "<img src=x onerror=\"console.error('ran')\">",
    '"><svg onload="console.error(1)"><style>*{display:none}</style>',
    "[bold red]loud[/] [link=https://example.org]link[/link] :smile:",
    "a|b `code` **bold** _it_ ~~no~~ [x](https://example.org) ![y](z) $x$ <b>",
    "# heading\n- item\n```\nfence",
    "\x1b[31mred\x1b[0m \x1b]8;;https://example.org\x07link\x1b]8;;\x07 \x9b31m \x00\x08\x7f",
    "abc\u202edcba\u202c \u2066x\u2069 \u200fy\u200e",
    "zero\u200bwidth\ufeff\u00ad\u2060\U000e0041",
    "lone \ud800 surrogate",
    "line\u2028and\u2029paragraph\r\n\ttab",
    "@someone #1 GH-1 https://example.org www.example.org mailto:a@example.org &lt;&amp;",
    "{{ 7 * 7 }} {% raw %} </style></title></textarea><!-- -->",
    "layer." * 40 + "weight",
    "漢字" * 30,
    "",
    " ",
)

TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(categories=None, exclude_categories=()), max_size=12),  # lone surrogates included
)
FLOATS = st.floats()
CELLS = st.one_of(st.none(), TEXTS, st.integers(), FLOATS)


def few(strategy: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=most).map(tuple)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.lists(st.builds(Column, TEXTS, st.booleans(), st.booleans()), min_size=1, max_size=4).map(tuple))
    row = st.tuples(*(CELLS for _ in columns))
    rows = draw(few(row))
    marked = draw(few(st.integers(0, max(0, len(rows) - 1)), 1)) if rows else ()
    return Table(draw(TEXTS), columns, rows, draw(st.none() | row), marked, draw(TEXTS))


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    line = st.tuples(*(FLOATS for _ in range(draw(st.integers(0, 4)))))
    spread = draw(st.booleans())
    low, high = (draw(line), draw(line)) if spread else ((), ())
    return Curve(draw(TEXTS), draw(line), draw(line), low, high)


VERDICTS = st.none() | st.sampled_from(Significance)
TREE_ROWS = st.builds(TreeRow, st.integers(0, 12), st.none() | TEXTS, st.none() | TEXTS, VERDICTS, TEXTS, st.booleans())
FIGURES = st.one_of(
    st.builds(Bars, TEXTS, TEXTS, few(st.builds(Bar, TEXTS, FLOATS, st.booleans()))),
    st.builds(
        Waterfall,
        TEXTS,
        TEXTS,
        TEXTS,
        FLOATS,
        few(st.builds(Step, TEXTS, FLOATS)),
        TEXTS,
        st.none() | st.tuples(FLOATS, FLOATS),
        TEXTS,
    ),
    st.builds(Curves, TEXTS, TEXTS, TEXTS, few(curves())),
    st.builds(Intervals, TEXTS, TEXTS, few(st.builds(Interval, TEXTS, FLOATS, FLOATS, FLOATS)), FLOATS),
)
TONES = st.sampled_from(["plain", "verdict", "good", "bad", "caution", "hint"])
ITEMS = st.one_of(
    st.builds(Prose, TEXTS, TONES),
    tables(),
    st.builds(AlignedTree, TEXTS, TEXTS, TEXTS, few(TREE_ROWS)),
    FIGURES,
)
SECTIONS = st.recursive(
    st.builds(Section, TEXTS, few(ITEMS), st.booleans()),
    lambda inner: st.builds(Section, TEXTS, few(ITEMS | inner), st.booleans()),
    max_leaves=3,
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["$float", "$$", "x"]) | TEXTS, inner),
    max_leaves=5,
)
REPORTS = st.builds(
    Report,
    TEXTS,
    TEXTS,
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    few(SECTIONS),
    few(st.builds(Finding, TEXTS, st.sampled_from(Significance), few(TEXTS), st.integers(0, 9), TEXTS, few(TEXTS))),
    few(st.builds(Skipped, TEXTS, TEXTS)),
    st.dictionaries(TEXTS, DATA, max_size=2),
)


@pytest.fixture(scope="session")
def reports() -> st.SearchStrategy[Report]:
    """Every kind of report there can be, each of its texts hostile or arbitrary."""
    return REPORTS


@pytest.fixture(scope="session")
def hostile_texts() -> tuple[str, ...]:
    return HOSTILE


def report_of(text: str) -> Report:
    """Put one text in every field there is."""
    bars = Bars(text, text, (Bar(text, 1.0), Bar(text, -2.5, marked=True)))
    waterfall = Waterfall(text, text, text, 5.0, (Step(text, 1.0), Step(text, -0.5)), text, (5.2, 5.7), text)
    drawn = Curves(text, text, text, (Curve(text, (0.0, 1.0), (1.0, 2.0), (0.5, 1.5), (1.5, 2.5)),))
    intervals = Intervals(text, text, (Interval(text, 1.0, 0.5, 1.5),))
    table = Table(text, (Column(text), Column(text, numeric=True)), ((text, text), (text, 1)), (text, None), (1,), text)
    tree = AlignedTree(text, text, text, (TreeRow(0, text, text), TreeRow(1, None, text, Significance.REAL, text)))
    tones = tuple(Prose(text, tone) for tone in ("plain", "verdict", "good", "bad", "caution", "hint"))
    items = (*tones, table, tree, bars, waterfall, drawn, intervals)
    sections = tuple(Section(text, (*items, Section(text, items)), folded) for folded in (False, True))
    finding = Finding(text, Significance.REAL, (text, text), 2, text, (text,))
    return Report(text, text, {text: text}, sections * 2, (finding,), (Skipped(text, text),), {text: [text]})


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def hostile_report(request: pytest.FixtureRequest) -> Report:
    return report_of(request.param)


@pytest.fixture(scope="session")
def everything_hostile() -> Report:
    hostile_reports = [report_of(text) for text in HOSTILE]
    return replace(
        hostile_reports[0], sections=tuple(section for report in hostile_reports for section in report.sections[:2])
    )
