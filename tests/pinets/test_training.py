import pytest
import torch
from torch.utils.data import DataLoader

from diagnose.networks import build
from diagnose.networks.origins.from_mmpretrain import get_model, load, read_config

CONFIG = "diagnose/pinets/configs/prodpoly_8xb16_cifar10.py"


@pytest.fixture
def config():
    load()
    return read_config(CONFIG)


def test_the_shipped_config_is_the_alias(config):
    built = build(f"mmpretrain:{CONFIG}")
    assert built.input_shapes == ((1, 3, 32, 32),)
    alias = build("prodpoly").module
    assert {n: p.shape for n, p in built.module.named_parameters()} == {n: p.shape for n, p in alias.named_parameters()}
    assert config.optim_wrapper.optimizer.lr == 0.1
    assert config.train_dataloader.dataset.type == "CIFAR10"


@pytest.mark.slow
def test_mmengines_runner_trains_the_shipped_config(config, tmp_path):
    from mmengine.dataset import pseudo_collate
    from mmengine.runner import Runner
    from mmpretrain.structures import DataSample

    torch.manual_seed(0)
    samples = [
        {
            "inputs": torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8),
            "data_samples": DataSample().set_gt_label(i % 10),
        }
        for i in range(8)
    ]
    model = get_model(config)
    model.init_weights()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    losses = []

    from mmengine.hooks import Hook

    class Losses(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            losses.append(outputs["loss"].item())

    runner = Runner(
        model=model,
        work_dir=str(tmp_path),
        train_dataloader=DataLoader(samples, batch_size=4, collate_fn=pseudo_collate, shuffle=False),
        train_cfg={"by_epoch": True, "max_epochs": 3},
        optim_wrapper={"optimizer": {"type": "SGD", "lr": 0.01, "momentum": 0.9}},
        default_scope="mmpretrain",
        custom_hooks=[Losses()],
        log_level="ERROR",
    )
    runner.train()
    assert len(losses) == 6
    assert losses[-1] < losses[0]
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert {"backbone.layer1.0.bn2.weight", "backbone.layer1.0.bn3.bias", "head.fc.weight"} <= moved
