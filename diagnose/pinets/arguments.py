"""Edits of the gap search: the options of the built-in case's aliases that make one, and the authors' code with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from diagnose.values import ModelRef

if TYPE_CHECKING:
    from diagnose.params.gap.edits.edit import Edit
    from diagnose.params.gap.layout import Layout

SECOND_ORDER = ("prodpoly", "pinet_relu", "pinet_1x1_relu", "pinet_norelu", "pinet_1x1_norelu")
"""The aliases whose blocks have a second-order term."""

WITH_BLOCKS = (*SECOND_ORDER, "resnet_norelu", "torch")
"""The aliases that take `blocks` and `num_classes`; `mm` is a config of mmpretrain and takes what that holds."""


def arguments(ref: ModelRef, edit: Edit) -> Mapping[str, Any] | None:
    """Return the options that make an edit; None where the alias has none for it, or the model is no alias of ours."""
    if ref.source != "alias" or ref.name not in WITH_BLOCKS:
        return None
    given = dict(edit.parameters)
    if edit.family == "number of classes":
        return {"num_classes": given["classes"]}
    if edit.family == "blocks per stage":
        return {"blocks": list(given["blocks"])}
    return _in_second_order(ref, edit, given) if ref.name in SECOND_ORDER else None


def published(edit: Edit, layout: Layout) -> str:
    """Return the authors' backbone that has one plain 1×1 convolution more per block with a second-order term."""
    from diagnose.params.gap.edits.block_kinds import second_order

    plain = {"kernel": 1, "number": 1, "bias": False, "norm": False, "depthwise": False}
    if edit.family != "extra layers per block" or dict(edit.parameters) != plain or not second_order(layout):
        return ""
    return "the authors' backbone pinet_1x1_relu (arXiv 2006.13026)"


def _in_second_order(ref: ModelRef, edit: Edit, given: dict[str, Any]) -> Mapping[str, Any] | None:
    if edit.family == "norms" and "second_order" in given:
        return {"second_order_norm": None}
    plain = not any(given.get(option) for option in ("bias", "norm", "depthwise"))
    has = dict(ref.kwargs).get("second_order_convs", 1 if "1x1" in ref.name else 0)
    if edit.family != "extra layers per block" or not plain or has + given["number"] > 2:
        return None
    if has and given["kernel"] != dict(ref.kwargs).get("second_order_kernel", 1):
        return None
    kernel = {"second_order_kernel": given["kernel"]} if given["kernel"] != 1 else {}
    return {"second_order_convs": has + given["number"], **kernel}
