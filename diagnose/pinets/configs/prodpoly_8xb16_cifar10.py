"""The reproduction's ProdPoly-ResNet on CIFAR-10, with mmpretrain's own data and schedule."""
# ruff: noqa: C408 mmengine's configs are written with dict()

_base_ = [
    "mmpretrain::_base_/datasets/cifar10_bs16.py",
    "mmpretrain::_base_/schedules/cifar10_bs128.py",
    "mmpretrain::_base_/default_runtime.py",
]

custom_imports = dict(imports=["diagnose.pinets.backbones"], allow_failed_imports=False)

model = dict(
    type="ImageClassifier",
    backbone=dict(type="PiNetCIFAR", depth=18, blocks=(2, 2, 1, 1)),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(
        type="LinearClsHead",
        num_classes=10,
        in_channels=512,
        loss=dict(type="CrossEntropyLoss", loss_weight=1.0),
    ),
)
