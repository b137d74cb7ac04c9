import gc

import pytest

from diagnose.errors import CannotRun, DiagnoseError, UsageError
from diagnose.networks import build


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("x = 1\ny = 1 / 0", CannotRun, "ZeroDivisionError at {path}:2: division by zero"),
        ("model = dict(type=", CannotRun, "SyntaxError in line 1"),
        ("model = dict(type='NoSuchThing')", CannotRun, "NoSuchThing is not in the mmpretrain::model registry"),
        ("_base_ = ['nothere.py']", CannotRun, "nothere.py"),
        ("custom_imports = dict(imports=['nothere'])\nmodel = dict(type='X')", CannotRun, "nothere"),
        ("x = 1", UsageError, "defines no `model`"),
        (
            "model = dict(type='ImageClassifier', backbone=dict(type='PiNetCIFAR', depth=17))",
            CannotRun,
            "depth must be one of 18, 34, 50, 101, 152, not 17",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # mmengine leaves its copy of a broken config open
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broken_config_is_one_clear_error(tmp_path, code, kind, said):
    path = tmp_path / "config.py"
    path.write_text(code)
    with pytest.raises(DiagnoseError) as caught:
        build(f"mmpretrain:{path}")
    assert said.format(path=path) in caught.value.message
    assert isinstance(caught.value, kind)
    del caught
    gc.collect()  # mmengine leaves its copy of the config open, which is not to be found out in another test


def test_a_config_finds_what_stands_beside_it(tmp_path):
    (tmp_path / "my_blocks.py").write_text(
        "from mmpretrain.registry import MODELS\nfrom mmpretrain.models import ResNet_CIFAR\n"
        "@MODELS.register_module()\nclass MyResNet(ResNet_CIFAR):\n    pass\n"
    )
    path = tmp_path / "config.py"
    path.write_text(
        "_base_ = ['mmpretrain::resnet/resnet18_8xb16_cifar10.py']\n"
        "custom_imports = dict(imports=['my_blocks'], allow_failed_imports=False)\n"
        "model = dict(backbone=dict(type='MyResNet'))\n"
    )
    built = build(f"mmpretrain:{path}(backbone={{'depth': 34}})")
    assert type(built.module.backbone).__name__ == "MyResNet"
    assert built.input_shapes == ((1, 3, 32, 32),)
    assert sum(p.numel() for p in built.module.parameters()) == 21_282_122  # ResNet-34, CIFAR stem, 10 classes
