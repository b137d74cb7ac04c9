"""Every edit of every family predicts what the really edited model counts, whenever it can be built and runs."""

from pathlib import Path

import pytest

from diagnose.networks import build
from diagnose.networks.inputs import candidates
from diagnose.params.gap.edits.families import FAMILIES, STRUCTURES
from diagnose.params.gap.layout import layout_of
from diagnose.params.gap.parameter_conventions import PLAIN
from diagnose.params.gap.search import Solution
from diagnose.params.gap.verify import _fits, verify
from diagnose.params.table import count_parameters

TOYS = Path(__file__).parents[2] / "toys.py"
MOST_OF_A_FAMILY = 4

# The families of which at least one edit must really be built on the model.
MODELS = {
    "torch": {"layers added per block", "layers left out per block", "shortcut type", "norms", "biases", "groups",
              "squeeze-and-excitation", "stem", "number of classes", "classifier and head", "blocks per stage",
              "widths"},
    "prodpoly": {"layers added per block", "norms", "blocks per stage", "widths"},
    "mm": {"layers added per block", "shortcut type", "number of classes", "widths"},
    "torchvision:resnet50": {"layers added per block", "groups", "stem", "blocks per stage"},
    "torchvision:densenet121": {"layers added per block", "dense blocks"},
    "torchvision:vit_b_16": {"layers added per block", "q/k/v bias", "classifier and head", "blocks per stage"},
    "torchvision:convnext_tiny": {"layers added per block", "widths"},
    "torchvision:mobilenet_v2": {"layers added per block", "norms"},
    "torchvision:inception_v3": {"number of classes"},
    "timm:resnet18": {"widths", "groups", "blocks per stage"},
    "timm:levit_128s": {"number of classes"},
    f"{TOYS}:Small": {"layers added per block", "blocks per stage", "widths"},
    f"{TOYS}:HeadFirst": {"layers added per block", "classifier and head"},
    f"{TOYS}:SharedBlock": {"layers added per block"},
    f"{TOYS}:Decoder": {"vocabulary", "tied embeddings", "position embeddings", "blocks per stage"},
    f"{TOYS}:Decoder(tied=False)": {"vocabulary", "tied embeddings"},
    f"{TOYS}:single": set(),
}  # fmt: skip


def _edits(layout):
    for name, family in {**FAMILIES, **STRUCTURES}.items():
        made = family(layout)
        if not isinstance(made, str):
            for edit in made[:: max(1, len(made) // MOST_OF_A_FAMILY)]:
                yield name, edit


@pytest.mark.slow
@pytest.mark.parametrize(("model", "must_build"), MODELS.items(), ids=[model.rpartition("/")[2] for model in MODELS])
def test_a_predicted_count_is_the_built_models(model, must_build, monkeypatch):
    """`verify` says yes only for a model with exactly the predicted parameters, and never for another total."""
    built = build(model)
    table = count_parameters(built.module, candidates(built.module, built.input_shapes, ()))
    layout = layout_of(table)
    before = {name: parameter.shape for name, parameter in built.module.named_parameters()}
    really = []

    def fits(solution, module, before):
        really.append(module)
        return _fits(solution, module, before)

    monkeypatch.setattr("diagnose.params.gap.verify._fits", fits)
    verified = set()
    for name, edit in _edits(layout):
        edited = edit.apply(layout)
        if edited is None:
            continue
        total = PLAIN.total(edited.counts())
        shapes = [shape for layer in edited.layers() for _, shape in layer.parameters]
        assert all(min(shape, default=1) > 0 for shape in shapes) or "position" in name, edit.text
        really.clear()
        if verify(Solution((edit,), PLAIN, total, ("rounded",)), built.ref, built.module, table)[0]:
            assert sum(p.numel() for p in really[0].parameters()) == total, edit.text
            verified.add(name)
    assert must_build <= verified
    assert {name: parameter.shape for name, parameter in built.module.named_parameters()} == before
    assert not any(module._forward_hooks for module in built.module.modules())


def test_a_wrong_prediction_is_never_verified():
    """One parameter more or fewer than the built model has, and the same edit is not verified."""
    built = build(f"{TOYS}:Small")
    table = count_parameters(built.module, candidates(built.module, built.input_shapes, ()))
    layout = layout_of(table)
    for _, edit in _edits(layout):
        edited = edit.apply(layout)
        if edited is not None:
            total = PLAIN.total(edited.counts())
            for wrong in (total - 1, total + 1):
                solution = Solution((edit,), PLAIN, wrong, ("rounded",))
                assert not verify(solution, built.ref, built.module, table)[0], edit.text


def test_nothing_is_verified_where_no_forward_pass_runs():
    built = build(f"{TOYS}:Raises")
    table = count_parameters(built.module, candidates(built.module, built.input_shapes, ()))
    layout = layout_of(table)
    for _, edit in _edits(layout):
        solution = Solution((edit,), PLAIN, PLAIN.total(edit.apply(layout).counts()), ("rounded",))
        assert not verify(solution, built.ref, built.module, table)[0]


ARGUMENTS = (
    ("torch", "number of classes", "classes", lambda k: f"torch(num_classes={k})"),
    ("torch", "blocks per stage", "blocks", lambda blocks: f"torch(blocks={list(blocks)})"),
    ("prodpoly", "blocks per stage", "blocks", lambda blocks: f"prodpoly(blocks={list(blocks)})"),
    ("torchvision:resnet50", "number of classes", "classes", lambda k: f"torchvision:resnet50(num_classes={k})"),
    ("torchvision:resnet18", "width", "width", lambda w: _RESNET.format(width=w)),
    ("torchvision:densenet121", "dense blocks", "growth",
     lambda k: f"torchvision.models:DenseNet(growth_rate={k}, block_config=(6, 12, 24, 16), num_init_features=64)"),
    ("torchvision:densenet121", "dense blocks", "blocks",
     lambda b: f"torchvision.models:DenseNet(growth_rate=32, block_config={b}, num_init_features=64)"),
    ("timm:vit_tiny_patch16_224", "number of classes", "classes",
     lambda k: f"timm:vit_tiny_patch16_224(num_classes={k})"),
    ("timm:vit_tiny_patch16_224", "blocks per stage", "blocks",
     lambda blocks: f"timm:vit_tiny_patch16_224(depth={blocks[0]})"),
    ("timm:vit_tiny_patch16_224", "q/k/v bias", "qkv",
     lambda bias: f"timm:vit_tiny_patch16_224(qkv_bias={bias})"),
    ("timm:convnext_atto", "blocks per stage", "blocks", lambda blocks: f"timm:convnext_atto(depths={list(blocks)})"),
    (f"{TOYS}:Decoder", "vocabulary", "vocabulary", lambda v: f"{TOYS}:Decoder(vocabulary={v})"),
    (f"{TOYS}:Decoder", "positions", "length", lambda n: f"{TOYS}:Decoder(length={n})" if n else None),
    (f"{TOYS}:Decoder", "tying", "tied", lambda tied: f"{TOYS}:Decoder(tied={tied})"),
    (f"{TOYS}:Decoder(tied=False)", "tying", "tied", lambda tied: f"{TOYS}:Decoder(tied={tied})"),
    (f"{TOYS}:Decoder(width=64)", "width", "width", lambda w: f"{TOYS}:Decoder(width={w})" if w % 4 == 0 else None),
    (f"{TOYS}:Small", "width", "width", lambda w: f"{TOYS}:Small(width={w})"),
)  # fmt: skip
_RESNET = f"{TOYS}:resnet18_of(width={{width}})"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "family", "option", "library_option"),
    ARGUMENTS,
    ids=lambda v: "" if callable(v) else str(v).rpartition("/")[2][:40],
)
def test_a_predicted_count_is_that_of_the_network_the_library_builds(model, family, option, library_option):
    layout = layout_of(count_parameters(build(model).module))
    made = [e for f in {**FAMILIES, **STRUCTURES}.values() if not isinstance(es := f(layout), str) for e in es]
    edits = [e for e in made if e.family == family and option in dict(e.parameters)]
    assert edits
    for edit in edits[:: max(1, len(edits) // 5)]:
        text = library_option(dict(edit.parameters)[option])
        edited = edit.apply(layout)
        if text is not None and edited is not None:
            real = sum(p.numel() for p in build(text).module.parameters())
            assert PLAIN.total(edited.counts()) == real, (edit.text, text)
