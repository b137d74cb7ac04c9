"""Without the user's word a MODEL runs no code and fetches nothing, however its text is spelt."""

import pytest

from diagnose.errors import DiagnoseError, UsageError
from diagnose.guard import RefusedError, guarded
from diagnose.networks import build, parse
from diagnose.networks.consent import Consent, ConsentError, Need, asks_for_weights, is_code, limited_to
from diagnose.recipes import load
from diagnose.recipes.load import is_code as is_code_of_a_recipe

TOUCH = "'command': 'touch ran'"
HOSTILE = (
    f"mm(neck={{'_delete_': True, 'type': 'os.system', {TOUCH}}})",
    f"mm(head={{'_delete_': True, 'type': 'os.system', {TOUCH}}})",
    f"mm(backbone={{'_delete_': True, 'type': 'posix.system', {TOUCH}}})",
    "mm(data_preprocessor={'_delete_': True, 'type': 'subprocess.run', 'args': ['touch', 'ran']})",
    "mm(neck={'_delete_': True, 'type': 'runpy.run_path', 'path_name': 'stranger.py'})",
    "mm(neck={'_delete_': True, 'type': 'runpy.run_module', 'mod_name': 'stranger'})",
    "mm(neck={'_delete_': True, 'type': 'importlib.import_module', 'name': 'stranger'})",
    "mm(neck={'_delete_': True, 'type': 'builtins.open', 'file': 'ran', 'mode': 'w'})",
    "mm(neck={'_delete_': True, 'type': 'io.open', 'file': 'ran', 'mode': 'w'})",
    "mm(neck={'_delete_': True, 'type': 'os.mkdir', 'path': 'ran'})",
    "mm(neck={'_delete_': True, 'type': 'shutil.copy', 'src': 'victim', 'dst': 'ran'})",
    "mm(neck={'_delete_': True, 'type': 'stranger.Net'})",
    "mm(neck={'_delete_': True, 'type': 'stranger'})",
    "mm(neck={'_scope_': 'stranger', 'type': 'GlobalAveragePooling'})",
    "mm(neck={'type': 'stranger.GlobalAveragePooling'})",
    f"mm(backbone={{'norm_cfg': {{'type': 'os.system', {TOUCH}}}}})",
    f"mm(head={{'loss': {{'_delete_': True, 'type': 'os.system', {TOUCH}}}}})",
    f"mm(train_cfg={{'augments': [{{'type': 'os.system', {TOUCH}}}]}})",
    f"mm(neck=[{{'type': 'os.system', {TOUCH}}}])",
    f"mm(neck=({{'type': 'mmengine.os.system', {TOUCH}}},))",
    f"mm(neck={{'_delete_': True, 'type': 'mmpretrain.utils.os.system', {TOUCH}}})",
    f"mmpretrain:resnet18_8xb16_cifar10(neck={{'_delete_': True, 'type': 'os.system', {TOUCH}}})",
    f"mmpretrain:resnet18_8xb16_cifar10(backbone={{'norm_cfg': {{'type': 'os.system', {TOUCH}}}}})",
    f"prodpoly(second_order_norm={{'type': 'os.system', {TOUCH}}})",
    "prodpoly(second_order_norm='stranger.Norm')",
    "pinet_relu(second_order_norm='stranger')",
    "stranger.py:Net",
    "stranger:Net",
    "mmpretrain:stranger.py",
    "mmpretrain:./stranger.py(x=1)",
)
FETCHING = (
    "timm:resnet18(pretrained=True)",
    "timm:resnet18(pretrained_cfg={'url': 'https://127.0.0.1/x.pth'})",
    "timm:resnet18(checkpoint_path='x.pth')",
    "torchvision:resnet18(weights='DEFAULT')",
    "torchvision:fcn_resnet50(weights_backbone='DEFAULT')",
    "mm(backbone={'init_cfg': {'type': 'Pretrained', 'checkpoint': 'x.pth'}})",
    "mm(backbone={'init_cfg': [{'type': 'Pretrained', 'checkpoint': 'https://127.0.0.1/x.pth'}]})",
    "mm(head={'loss': {'anything': ['see', ('https://127.0.0.1/x',)]}})",
    "mm(pretrained='x.pth')",
)
KNOWN = (
    "torch",
    "mm",
    "prodpoly(second_order_convs=2)",
    "prodpoly(second_order_norm={'type': 'IN'})",
    "mm(backbone={'norm_cfg': {'type': 'GN', 'num_groups': 8}})",
    "mm(head={'loss': {'_delete_': True, 'type': 'mmpretrain.LabelSmoothLoss', 'label_smooth_val': 0.1}})",
    "mm(train_cfg={'augments': {'type': 'Mixup', 'alpha': 0.2}})",
    "mm(backbone={'init_cfg': {'type': 'Kaiming', 'layer': 'Conv2d'}})",
    "torchvision:resnet18(num_classes=10)",
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a stranger's file, on the import path as when a user works in it."""
    marker = "open('ran', 'w').close()\n"
    (tmp_path / "stranger.py").write_text(f"{marker}model = dict(type='ImageClassifier')\n")
    (tmp_path / "victim").write_text("whole")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("model", HOSTILE)
def test_foreign_code_does_not_run(here, model):
    with limited_to(Consent(code=False)), pytest.raises(ConsentError) as error:
        build(model)
    assert error.value.need is Need.CODE
    assert not (here / "ran").exists()


@pytest.mark.parametrize("model", HOSTILE)
def test_the_guard_alone_stops_it_as_well(here, model):
    with guarded() as refused, pytest.raises(Exception):  # noqa: B017, PT011 whatever stands in between may word it anew
        build(model)
    assert not (here / "ran").exists()
    assert all(isinstance(error, RefusedError) for error in refused)


@pytest.mark.parametrize("model", FETCHING)
def test_weights_are_neither_fetched_nor_read(model):
    with limited_to(Consent(download=False)), pytest.raises(ConsentError) as error:
        build(model)
    assert error.value.need is Need.DOWNLOAD


@pytest.mark.parametrize("model", KNOWN)
def test_what_the_libraries_have_registered_is_built(model):
    with limited_to(Consent(code=False, download=False)), guarded() as refused:
        limited = build(model).module
    assert refused == []
    free = build(model).module
    assert [(name, part.shape) for name, part in limited.named_parameters()] == [
        (name, part.shape) for name, part in free.named_parameters()
    ]
    assert [type(part) for part in limited.modules()] == [type(part) for part in free.modules()]


def test_consent_is_never_widened_from_within():
    with limited_to(Consent(code=False)), limited_to(Consent()), pytest.raises(ConsentError):
        build("stranger.py:Net")


def test_a_text_says_whether_it_is_code_or_asks_for_weights():
    code = ("a.py:f", "a.b:C", "mmpretrain:a.py", "mm(neck={'type': 'a.b'})")
    assert all(is_code(parse(text)) for text in code)
    assert not is_code(parse("torch"))
    assert not asks_for_weights({"pretrained": False, "depth": 3, "names": ["a", "b"]})


@pytest.mark.parametrize("text", ["stranger.py", "./stranger.py", "mmpretrain:stranger.py", "mmpretrain: stranger.py"])
def test_a_recipe_that_is_a_config_file_is_code(here, text):
    assert is_code_of_a_recipe(text)
    with limited_to(Consent(code=False)), pytest.raises(ConsentError):
        load(text)
    assert not (here / "ran").exists()


@pytest.mark.parametrize("text", ["mmpretrain:stranger.py(x=1)", "mmpretrain:resnet18_8xb16_cifar10(x=1)"])
def test_a_recipe_takes_no_arguments(here, text):
    with pytest.raises(DiagnoseError, match="no arguments") as error:
        load(text)
    assert isinstance(error.value, UsageError)
    assert not (here / "ran").exists()


@pytest.mark.parametrize(
    "text", ["paper", "mmpretrain:resnet18_8xb16_cifar10", "mine.toml", "no: such recipe", "mmpretrain:("]
)
def test_other_recipes_are_no_code(text):
    assert not is_code_of_a_recipe(text)
