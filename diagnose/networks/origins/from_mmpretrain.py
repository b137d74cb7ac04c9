"""mmpretrain's models: the names of its hub, and config files in its format."""

from __future__ import annotations

import copy
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from diagnose.errors import CannotRun, UsageError, nearest
from diagnose.files import LONGEST_CODE, check_regular
from diagnose.guard import unguarded
from diagnose.networks.build_errors import unexpected
from diagnose.networks.consent import ask_for_code, ask_for_download, given, is_config_file
from diagnose.networks.origins.origin import ModelFactory, Shapes
from diagnose.networks.origins.registered import check_registered, nothing_imported
from diagnose.plugins import hooks
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn

UNINITIALISED = (
    "mmpretrain.get_model(…, pretrained=False) never calls init_weights(): the initial weights are those that torch's "
    "own layers draw."
)


class Mmpretrain:
    """mmpretrain, by `mmpretrain.get_model`."""

    def names(self) -> tuple[str, ...]:
        """Return the hub's names."""
        return tuple(load().list_models())

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Read a model's config and check its arguments, which are merged into the config's `model`."""
        ask_for_download(ref)
        mmpretrain = load()
        config = config_of(ref)
        where = ref.name if is_config_file(ref) else f"configuration {ref.name}"
        _check_keywords(config, ref)
        if not pretrained and (addresses := tuple(_addresses(config.model))):
            raise CannotRun(
                f"{ref.text} cannot be built without weights that mmpretrain downloads from {addresses[0]}.",
                hint="Nothing is downloaded unless pretrained weights are asked for.",
            )
        # A hub name, not its config, where weights are asked for: only the hub knows their address.
        model = ref.name if pretrained and not is_config_file(ref) else config
        return ModelFactory(
            make=partial(get_model, model, pretrained=pretrained, **dict(ref.kwargs)),
            origin=f"mmpretrain {mmpretrain.__version__}, {where}",
            input_shapes=input_shapes,
            notes=lambda module: () if pretrained else (UNINITIALISED,),
        )


def config_of(ref: ModelRef) -> Any:
    """Read the config that a MODEL text names: one of the hub's, or a file, which is run as code.

    Raises:
        DiagnoseError: there is no such name or file (exit code 2), or no code may run.
    """
    if is_config_file(ref):
        # Modules of the config's `custom_imports` may stand in the working folder or beside it.
        sys.path[:0] = [str(Path.cwd()), str(Path(ref.name).resolve().parent)]
        return read_config(ref.name)
    if _config_file(ref.name) is None:
        raise UsageError(
            f"mmpretrain has no model {ref.name!r}.",
            hint=nearest(ref.name.lower(), tuple(load().list_models()))
            or "`diagnose models QUERY` searches the names.",
        )
    return hub_config(ref.name)


def load() -> ModuleType:
    """Import mmpretrain without what it and its dependencies warn of at import, and the plugins' backbones."""
    with _without_noise():
        import mmpretrain

        for hook in hooks("mmpretrain_modules"):
            for name in hook():
                import_module(name)
    module: ModuleType = mmpretrain
    return module


def hub_config(name: str) -> Any:
    """Read the config of one of the hub's names: a file that mmpretrain ships."""
    from mmengine.config import Config

    with _without_noise(), unguarded():
        return Config.fromfile(str(_config_file(name)))


def _config_file(name: str) -> Path | None:
    """Return the config file of one of the hub's names, None where there is no such name.

    mmpretrain itself reads the index of each of its 85 families first, which takes seconds; here, the one that has it.
    """
    import mmpretrain
    import yaml

    root = Path(mmpretrain.__file__).parent / ".mim"
    has_it = re.compile(rf"^\s*-\s*Name:\s*{re.escape(name)}\s*$", re.IGNORECASE | re.MULTILINE)
    for index in yaml.safe_load((root / "model-index.yml").read_text("utf-8"))["Import"]:
        text = (root / index).read_text("utf-8")
        for model in yaml.safe_load(text)["Models"] if has_it.search(text) else ():
            if model["Name"].lower() == name.lower() and model.get("Config"):
                return root / str(model["Config"])
    return None


def get_model(config: Any, *, pretrained: bool = False, **overrides: Any) -> nn.Module:
    """Build a model from a hub's name or a config, without what mmpretrain warns of meanwhile.

    `overrides` are merged into the config's `model`.

    Raises:
        ConsentError: foreign code may not run, and the merged configuration names some.
    """
    import mmpretrain

    with _without_noise(), ExitStack() as restrictions:
        if not given().code:
            config, overrides = _merged(config, overrides), {}
            check_registered(config.model)
            restrictions.enter_context(nothing_imported())
        module: nn.Module = mmpretrain.get_model(config, pretrained=pretrained, **overrides)
    return module


def _merged(config: Any, overrides: dict[str, Any]) -> Any:
    """Return a copy of a config with overrides in its model, as `mmpretrain.get_model` merges them."""
    merged = copy.deepcopy(hub_config(config) if isinstance(config, str) else config)
    merged.merge_from_dict({"model": overrides})
    return merged


@contextmanager
def _without_noise() -> Iterator[None]:
    """Within this context, silence what mmpretrain and its dependencies warn and inform of: their own code and configs.

    Warnings from the user's code, of any kind but deprecation, still come through.
    """
    disabled = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mmcv|mmengine|mmpretrain)\b")
        warnings.filterwarnings("ignore", message="pkg_resources is deprecated|torch.meshgrid: in an upcoming release")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=SyntaxWarning)  # Python 3.12 on, where their code is compiled
        warnings.filterwarnings("ignore", category=FutureWarning)
        logging.disable(logging.INFO)
        try:
            yield
        finally:
            logging.disable(disabled)


def read_config(text: str) -> Any:
    """Read a config file, which is run as code.

    Raises:
        ConsentError: no code may run.
        DiagnoseError: there is no such file, or it defines no model (exit code 2).
    """
    from mmengine.config import Config

    ask_for_code(text)

    path = Path(text)
    check_regular(path, "config", most=LONGEST_CODE)
    with _without_noise():
        config = Config.fromfile(str(path))
    if not isinstance(config.get("model"), Mapping):
        raise UsageError(f"The config {text!r} defines no `model`.")
    return config


def _check_keywords(config: Any, ref: ModelRef) -> None:
    """Raise DiagnoseError where a keyword is neither in the config's model nor a parameter of its class."""
    import inspect

    from mmpretrain.registry import MODELS

    kind = config.model.get("type")
    built = MODELS.get(kind) if isinstance(kind, str) else kind
    signature = inspect.signature(built) if built is not None else None
    if signature is None or any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return
    right = tuple(dict.fromkeys([*config.model, *signature.parameters]))
    for key, _ in ref.kwargs:
        if key not in right:
            raise unexpected(key, ref, right)


def _addresses(part: object) -> Iterator[str]:
    """Yield the addresses that a config's parts download from when constructed; `init_cfg` is read later."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key != "init_cfg":
                yield from _addresses(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _addresses(value)
    elif isinstance(part, str) and part.startswith(("http://", "https://")):
        yield part


def input_shapes(module: nn.Module) -> Shapes:
    """Return the input shape that a model's config implies.

    In this order: the backbone's `img_size`, which a transformer insists on; the last crop or resize of the test
    pipeline; 32 for a CIFAR data set, whose pipelines have none; 224.
    """
    config = getattr(module, "_config", {})
    backbone = config.get("model", {}).get("backbone", {}) or {}
    side = backbone.get("img_size") or getattr(getattr(module, "backbone", None), "img_size", None)
    side = side or next(_sides(config), None) or 224
    height, width = (side, side) if isinstance(side, int) else tuple(side)[:2]
    return ((1, backbone.get("in_channels", 3), int(height), int(width)),)


def _sides(config: Mapping[str, Any]) -> Iterator[int | tuple[int, int]]:
    """Yield the image sides that the config's test data come with, the most telling first."""
    for key in ("test_dataloader", "val_dataloader", "train_dataloader"):
        dataset = (config.get(key) or {}).get("dataset") or {}
        if str(dataset.get("type")).startswith("CIFAR"):
            yield 32
        for step in reversed(list(dataset.get("pipeline") or ())):
            side = step.get("crop_size") or step.get("scale") if isinstance(step, Mapping) else None
            if isinstance(side, int) or (isinstance(side, (tuple, list)) and len(side) == 2):
                yield side if isinstance(side, int) else (int(side[0]), int(side[1]))


ORIGIN = Mmpretrain()
