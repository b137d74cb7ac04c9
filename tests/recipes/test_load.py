"""Recipes read from package data, TOML files and mmpretrain's configs, held against their files and hostile input."""

import gc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.recipes import load, load_both, names
from diagnose.recipes.fields import FIELDS
from diagnose.recipes.toml import line_of, parse
from diagnose.values import NOT_STATED, Augmentation, Normalisation, Schedule

STEP = Schedule("step", (40.0, 60.0, 80.0, 100.0), 0.1)
THEIRS = Normalisation((125.3, 123.0, 113.9), (63.0, 62.1, 66.7))
CROP = Augmentation(4, 32, 0.5)
NS = NOT_STATED
# The table of published recipes, row by row: paper, reproduction, lightning, mmpretrain, authors-2022.
STATED = {
    "optimizer": ("SGD",) * 5,
    "learning_rate": (0.1, 0.1, 0.05, 0.1, 0.1),
    "momentum": (NS, 0.0, 0.9, 0.9, 0.9),
    "weight_decay": (NS, 0.0, 5e-4, 1e-4, 5e-4),
    "schedule": (STEP, STEP, Schedule("one-cycle", peak=0.1), Schedule("step", (100.0, 150.0), 0.1), STEP),
    "epochs": (120, 120, 30, 200, 120),
    "batch_size": (128, 128, 64, 128, 128),
    "train_images": (NS, 40_000, 40_000, 50_000, 50_000),
    "normalisation": (
        NS,
        THEIRS,
        THEIRS,
        Normalisation((125.307, 122.961, 113.8575), (51.5865, 50.847, 51.255)),
        Normalisation((127.5,) * 3, (127.5,) * 3),
    ),
    "augmentation": (NS, CROP, CROP, CROP, CROP),
    "schedule_steps": (NS, "after each epoch", "after each step", "after each epoch", "before each epoch"),
    "evaluated_epoch": (NS, "last", "last", "every epoch", "best on test"),
    "seed": (NS, 7, 7, NS, "random"),
}


@pytest.mark.parametrize("key", STATED)
def test_the_built_in_recipes_state_what_was_read(key):
    assert tuple(load(name).get(key) for name in names()) == STATED[key]


@pytest.mark.parametrize("name", names())
def test_every_setting_has_a_source(name):
    recipe = load(name)
    assert all(setting.source for setting in recipe.settings)
    assert recipe.title != name


def test_mmpretrains_own_config_agrees_with_the_built_in_recipe():
    read, built_in = load("mmpretrain:resnet18_8xb16_cifar10"), load("mmpretrain")
    assert {key: read.get(key) for key in FIELDS} == {key: built_in.get(key) for key in FIELDS}


CONFIG = """
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1){wrapper})
train_cfg = dict(by_epoch=True, max_epochs=200)
param_scheduler = dict({scheduler})
train_dataloader = dict(batch_size=16, dataset=dict(type='CIFAR10', pipeline=[dict(type='RandomFlip', prob=0.5)]))
model = dict(type='ImageClassifier', backbone=dict(type='ResNet_CIFAR', depth=18), train_cfg={augments})
"""


def config(folder, *, wrapper="", scheduler="type='ConstantLR'", augments="dict()", more=""):
    path = folder / "config.py"
    path.write_text(CONFIG.format(wrapper=wrapper, scheduler=scheduler, augments=augments) + more)
    return load(f"mmpretrain:{path}")


@pytest.mark.parametrize(
    ("mixed", "further"),
    [
        ("dict(augments=dict(type='Mixup', alpha=1.0))", ("Mixup(alpha=1.0)",)),
        ("dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)])",
         ("Mixup(alpha=0.8)", "CutMix(alpha=1.0)")),
        ("dict()", ()),
        ("None", ()),
    ],
)  # fmt: skip
def test_what_mmpretrain_mixes_is_augmentation(tmp_path, mixed, further):
    assert config(tmp_path, augments=mixed).get("augmentation") == Augmentation(flip=0.5, other=further)


@pytest.mark.parametrize("place", ["data_preprocessor = {}", "model['data_preprocessor'] = {}"])
def test_what_the_preprocessor_mixes_goes_before(tmp_path, place):
    more = place.format("dict(batch_augments=dict(augments=dict(type='CutMix', alpha=1.0)))")
    read = config(tmp_path, augments="dict(augments=dict(type='Mixup'))", more=more)
    assert read.get("augmentation").other == ("CutMix(alpha=1.0)",)
    assert "batch_augments" in read.source("augmentation")


def test_batches_that_are_gathered_are_one_and_clipped_gradients_are_another_optimiser(tmp_path):
    read = config(tmp_path, wrapper=", accumulative_counts=8, clip_grad=dict(max_norm=5.0)")
    assert read.get("batch_size") == 128
    assert "accumulative_counts" in read.source("batch_size")
    assert read.get("optimizer") == "SGD, gradients clipped by max_norm=5.0"
    assert "no paramwise_cfg" in read.source("weight_decay_on")


@pytest.mark.parametrize(
    ("scheduler", "kind"),
    [
        ("type='CosineAnnealingLR', T_max=200, by_epoch=True, begin=0, end=200", "cosine"),
        ("type='CosineAnnealingLR', T_max=200, convert_to_iter_based=True", "cosine"),
        ("type='CosineAnnealingLR', T_max=100", "other"),
        ("type='CosineAnnealingLR', T_max=200, eta_min=1e-4", "other"),
        ("type='CosineAnnealingLR', T_max=200, eta_min_ratio=0.1", "other"),
        ("type='CosineAnnealingLR', T_max=200, begin=5", "other"),
        ("type='CosineAnnealingLR', T_max=200, by_epoch=False", "other"),
        ("type='MultiStepLR', milestones=[100, 150]", "step"),
        ("type='MultiStepLR', milestones=[100, 150], begin=5", "other"),
    ],
)
def test_a_cosine_over_the_whole_training_is_a_cosine(tmp_path, scheduler, kind):
    assert config(tmp_path, scheduler=scheduler).get("schedule").kind == kind


@pytest.mark.parametrize(
    "table",
    [
        '{kind = "constant", peak = 3.0}',
        '{kind = "cosine", milestones = [4]}',
        '{kind = "step", milestones = [4], peak = 1.0}',
    ],
)
def test_a_schedule_has_no_key_of_another_kind(table):
    with pytest.raises(DiagnoseError, match="no other keys than `kind`"):
        parse(f"schedule = {table}", "mine", "mine.toml")


def test_two_files_of_one_name_are_told_apart_by_their_paths(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.toml").write_text("momentum = 0.9\n")
    paths = tuple(str(tmp_path / folder / "mine.toml") for folder in ("a", "b"))
    assert tuple(recipe.name for recipe in load_both(*paths)) == paths
    assert load_both("paper", paths[0])[1].name == "mine"


def test_a_config_file_is_read(tmp_path):
    (tmp_path / "schedule_4xb32_cifar10.py").write_text(
        "model = dict(type='ImageClassifier', head=dict(loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1)))\n"
        "optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.2, nesterov=True, momentum=0.8),\n"
        "    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0))\n"
        "param_scheduler = [dict(type='LinearLR', end=5), dict(type='CosineAnnealingLR', T_max=45)]\n"
        "train_dataloader = dict(batch_size=32, dataset=dict(type='CIFAR10', pipeline=[dict(type='AutoAugment')]))\n"
    )
    recipe = load(str(tmp_path / "schedule_4xb32_cifar10.py"))
    assert recipe.get("label_smoothing") == 0.1
    assert recipe.get("nesterov") is True
    assert recipe.get("weight_decay") == 0.0
    assert recipe.get("weight_decay_on") == "all but norms and biases"
    assert recipe.get("batch_size") == 128
    assert recipe.get("augmentation") == Augmentation(other=("AutoAugment",))
    assert recipe.get("epochs") is NOT_STATED
    schedule = recipe.get("schedule")
    assert isinstance(schedule, Schedule)
    assert schedule.kind == "other"
    assert "LinearLR(end=5), then CosineAnnealingLR(T_max=45)" in schedule.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_config_that_fails_is_told_without_a_traceback(tmp_path):
    (tmp_path / "broken.py").write_text("model = dict(type='ImageClassifier')\nlr = 1 / 0\n")
    with pytest.raises(DiagnoseError, match="ZeroDivisionError") as caught:
        load(str(tmp_path / "broken.py"))
    assert isinstance(caught.value, CannotRun)
    del caught
    gc.collect()  # mmengine leaves its copy of the config open


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("learning_rate = 0.1\nmomentun = 0.9\n", "line 2: there is no field 'momentun'", "momentum"),
        ("momentum = '0.9'\n", "line 1: momentum is '0.9', expected a number", ""),
        ("epochs = true\n", "line 1: epochs is True, expected a whole number", ""),
        ("weight_decay = nan\n", "line 1: weight_decay is nan", ""),
        ("seed = 1\nseed = 2\n", "Cannot overwrite a value", ""),
        ("schedule = { kind = 'step' }\n", "rising `milestones`", ""),
        ("schedule = { kind = 'step', milestones = [9, 3] }\n", "rising `milestones`", ""),
        ("normalisation = { mean = [1, 2, 3], std = [1, 0, 1] }\n", "numbers above 0", ""),
        ("evaluated_epoch = 'best'\n", "expected one of", ""),
        ("title = 3\n", "line 1: title must be a text", ""),
        ("momentum = 0.9\n[sources]\nmomentm = 'x'\n", "line 3: there is no field 'momentm'", "momentum"),
        ("optimizer = \n", "not TOML", ""),
        ("x = " + "[" * 5_000, "not TOML", ""),
        ("#" * 70_000, "longer than", ""),
    ],
)
def test_a_bad_recipe_names_line_key_and_the_nearest_right_key(text, message, hint):
    with pytest.raises(DiagnoseError) as caught:
        parse(text, "mine", "mine.toml")
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert isinstance(caught.value, UsageError)


def test_a_line_inside_a_text_is_not_taken_for_the_key():
    text = 'title = """\nmomentun = 1\n"""\nmomentun = 2\n'
    assert line_of(text, "momentun") == 4


def test_not_stated_may_be_written_out():
    assert parse('momentum = "not stated"\n', "mine", "mine.toml").get("momentum") is NOT_STATED


@pytest.mark.parametrize("text", ["papr", "no/such.toml", "mmpretrain:resnet18_8xb16_cifar11", "nowhere.py", ""])
def test_a_wrong_name_is_a_usage_error(text):
    with pytest.raises(DiagnoseError) as caught:
        load(text)
    assert isinstance(caught.value, UsageError)


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DiagnoseError, match="not UTF-8"):
        load(str(tmp_path / "a.toml"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(DiagnoseError, match="cannot read"):
        load(str(tmp_path / "folder.toml"))


@given(st.dictionaries(st.sampled_from((*FIELDS, "title")), st.text(max_size=20) | st.integers() | st.floats()))
def test_any_value_is_read_or_refused(values):
    text = "\n".join(f"{key} = {value!r}" for key, value in values.items())
    with suppress(DiagnoseError):
        assert parse(text, "any", "any.toml").name == "any"
