"""From the text a user types to a pipeline that can be run."""

from __future__ import annotations

from diagnose.errors import UsageError
from diagnose.interrupts import is_real
from diagnose.networks.build_errors import explain
from diagnose.networks.model_text import parse
from diagnose.networks.process_state import drawing_from, quiet, restored
from diagnose.pipeline.runnable import RunnablePipeline
from diagnose.values import ModelRef

FORMS = (
    "Write torchvision:ResNet50_Weights.IMAGENET1K_V2, timm:resnet50.a1_in1k, mmpretrain:resnet50_8xb32_in1k or "
    "path/to/file.py:transform."
)


def load_pipeline(text: str, *, train: bool) -> RunnablePipeline:
    """Return the pipeline that a text names; a file or a module of the user's is run as code.

    Raises:
        DiagnoseError: there is none, or its arguments are wrong (exit code 2), or its code failed (3).
    """
    ref = parse(text)
    with quiet(), restored(), drawing_from(None):
        try:
            return _load(ref, train=train)
        except BaseException as error:
            if is_real(error):
                raise
            raise explain(error, ref) from error


def _load(ref: ModelRef, *, train: bool) -> RunnablePipeline:
    if ref.source == "torchvision":
        from diagnose.pipeline.sources.torchvision_weights import weights_pipeline

        return weights_pipeline(ref, train=train)
    if ref.source == "timm":
        from diagnose.pipeline.sources.timm_configuration import configured_pipeline

        return configured_pipeline(ref, train=train)
    if ref.source == "mmpretrain":
        from diagnose.pipeline.sources.mmpretrain_config import config_pipeline

        return config_pipeline(ref, train=train)
    if ref.source == "user":
        from diagnose.pipeline.sources.user_transform import user_pipeline

        return user_pipeline(ref)
    raise UsageError(f"There is no pipeline {ref.text!r}.", hint=FORMS)
