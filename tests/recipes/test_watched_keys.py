"""A config that is not read whole is never called equal: each key is held by a field, or listed."""

import pytest
from mmengine import Config

from diagnose.recipes import compare
from diagnose.recipes.from_mmpretrain_config import recipe_of
from diagnose.recipes.watched_keys import WatchedKeys
from diagnose.values import FieldStatus

CONFIG = {
    "model": {"type": "ImageClassifier", "backbone": {"type": "ResNet_CIFAR", "depth": 18},
              "head": {"type": "LinearClsHead", "loss": {"type": "CrossEntropyLoss"}}},
    "data_preprocessor": {"mean": [125.3, 123.0, 113.9], "std": [63.0, 62.1, 66.7], "to_rgb": True},
    "train_dataloader": {
        "batch_size": 128, "num_workers": 2, "sampler": {"type": "DefaultSampler", "shuffle": True},
        "dataset": {"type": "CIFAR10", "split": "train", "pipeline": [
            {"type": "RandomCrop", "crop_size": 32, "padding": 4}, {"type": "PackInputs"}]},
    },
    "optim_wrapper": {"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}},
    "param_scheduler": {"type": "MultiStepLR", "by_epoch": True, "milestones": [100, 150], "gamma": 0.1},
    "train_cfg": {"by_epoch": True, "max_epochs": 200, "val_interval": 1},
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def recipe(name, **changes):
        config = Config(CONFIG)
        config.merge_from_dict(changes)
        config.dump(tmp_path / f"{name}.py")
        return recipe_of(f"{tmp_path}/{name}.py")

    return recipe


UNREAD = {
    "train_dataloader.sampler.shuffle": False,
    "train_dataloader.drop_last": True,
    "optim_wrapper.type": "AmpOptimWrapper",
    "data_preprocessor.to_rgb": False,
    "custom_hooks": [{"type": "EMAHook", "momentum": 4e-5}],
    "model.head.loss.class_weight": [1.0, 2.0],
}


@pytest.mark.parametrize("key", UNREAD)
def test_a_key_that_no_field_holds_and_that_differs_is_listed(read, key):
    diff = compare(read("a"), read("b", **{key: UNREAD[key]}))
    assert not diff.having(FieldStatus.DIFFERS)
    assert all(difference.key.startswith(key) for difference in diff.unread)
    assert diff.unread


@pytest.mark.parametrize(
    "changes",
    [
        {"train_dataloader.num_workers": 8},
        {"model.backbone.depth": 34},
        {"log_level": "ERROR"},
        {"work_dir": "elsewhere"},
        {"val_dataloader": {"batch_size": 3}},
    ],
)
def test_what_changes_no_weight_and_the_network_are_no_matter_of_the_recipe(read, changes):
    diff = compare(read("a"), read("b", **changes))
    assert not diff.unread
    assert not diff.having(FieldStatus.DIFFERS)


def test_a_loss_by_sigmoid_is_another_loss(read):
    assert read("b", **{"model.head.loss.use_sigmoid": True}).get("loss") == "binary cross-entropy"
    assert read("a").get("loss") == "cross-entropy"


def test_each_schedule_steps_by_its_own_clock(read):
    warm_up = {"type": "LinearLR", "by_epoch": False, "begin": 0, "end": 500}
    scheduler = [warm_up, CONFIG["param_scheduler"]]
    assert read("b", param_scheduler=scheduler).get("schedule_steps") == "after each step, then after each epoch"


def test_a_preprocessor_inside_the_model_is_read(read):
    inside = {"model.data_preprocessor": CONFIG["data_preprocessor"], "data_preprocessor": None}
    assert read("b", **inside).get("normalisation") == read("a").get("normalisation")


def test_only_what_was_read_counts_as_read():
    config = WatchedKeys({"a": {"b": 1, "c": [1, 2], "d": {}}, "e": [{"f": 2}, {"g": 3}]})
    assert config["a"].get("b") == 1
    assert config.get("e")[1].get("g") == 3
    assert config.unread() == {"a.c": "[1, 2]", "a.d": "{}", "e[0].f": "2"}
