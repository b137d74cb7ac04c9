"""Scripts that leave the loop to a framework."""

MMPRETRAIN = """
import numpy as np
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.datasets import BaseDataset
from mmpretrain.registry import DATASETS

@DATASETS.register_module()
class Noise(BaseDataset):
    def __init__(self, size, **kwargs):
        self.size = size
        super().__init__(ann_file="", **kwargs)

    def load_data_list(self):
        draw = np.random.RandomState(0)
        return [{"img": draw.randint(0, 255, (8, 8, 3), dtype=np.uint8), "gt_label": i % 10} for i in range(self.size)]

pipeline = [
    dict(type="RandomCrop", crop_size=8, padding=2),
    dict(type="RandomFlip", prob=0.5, direction="horizontal"),
    dict(type="PackInputs"),
]

def loader(size, shuffle, steps):
    data = dict(type="Noise", size=size, pipeline=steps)
    return dict(batch_size=8, num_workers=0, dataset=data, sampler=dict(type="DefaultSampler", shuffle=shuffle))

Runner.from_cfg(Config(dict(
    model=dict(
        type="ImageClassifier",
        backbone=dict(type="ResNet_CIFAR", depth=18, base_channels=4, stem_channels=4),
        neck=dict(type="GlobalAveragePooling"),
        head=dict(type="LinearClsHead", num_classes=10, in_channels=32, loss=dict(type="CrossEntropyLoss")),
    ),
    data_preprocessor=dict(num_classes=10, mean=[125.3, 123.0, 113.9], std=[51.6, 50.8, 51.3], to_rgb=False),
    train_dataloader=loader(40, True, pipeline),
    val_dataloader=loader(16, False, pipeline[2:]),
    val_evaluator=dict(type="Accuracy", topk=(1,)),
    optim_wrapper=dict(
        optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
        paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
        clip_grad=dict(max_norm=1.0),
    ),
    param_scheduler=dict(type="MultiStepLR", by_epoch=True, milestones=[2, 3], gamma=0.1),
    train_cfg=dict(by_epoch=True, max_epochs=4, val_interval=1),
    val_cfg=dict(),
    default_scope="mmpretrain",
    work_dir="work",
    log_level="ERROR",
    randomness=dict(seed=5),
))).train()
"""

TIMM = """
import timm, torch
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV2
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
data = TensorDataset(torch.rand(64, 3, 32, 32), torch.arange(64) % 10)
train, test = DataLoader(data, 8, shuffle=True, drop_last=True), DataLoader(data, 8)
net = timm.create_model("resnet18", num_classes=10)
average = ModelEmaV2(net, decay=0.9)
optimizer = create_optimizer_v2(net, opt="sgd", lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = CosineLRScheduler(optimizer, t_initial=3, warmup_t=1, warmup_lr_init=0.01)
criterion = LabelSmoothingCrossEntropy(0.1)
scheduler.step(0)
for epoch in range(3):
    net.train()
    for x, y in train:
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        average.update(net)
    scheduler.step(epoch + 1)
    average.module.eval()
    with torch.no_grad():
        for x, y in test:
            average.module(x)
"""
