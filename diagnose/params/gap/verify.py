"""Verification: the edited model is really built and counted, through its own arguments or by surgery."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from diagnose.errors import DiagnoseError
from diagnose.networks import build
from diagnose.networks.inputs import with_named_inputs
from diagnose.params.gap.build_edited import CannotEditError, build_edited, set_depths
from diagnose.params.gap.edits.dense import dense_growth
from diagnose.params.gap.edits.edit import Edit
from diagnose.params.gap.edits.families import edits_by_key
from diagnose.params.gap.layout import Layout, layout_of
from diagnose.params.gap.search import Solution
from diagnose.params.table import count_parameters
from diagnose.plugins import hooks
from diagnose.values import ModelRef, ParamTable

_DENSENET = ModelRef("torchvision.models:DenseNet", "user", "torchvision.models:DenseNet")


def verify(solution: Solution, ref: ModelRef, model: nn.Module, table: ParamTable) -> tuple[bool, str, str]:
    """Return whether the edited model was built and counts what the search says, how, and the MODEL that builds it.

    `model` is on the meta device and is left as it is; `table` is its count, whose inputs are used for the forward
    pass that must read every new tensor.
    """
    if not solution.edits:
        return True, "the model as it is", ""
    try:
        edited, how, command = edited_model(solution.edits, ref, model, table)
    except DiagnoseError:
        return False, "", ""
    except (CannotEditError, AttributeError) as error:
        return False, str(error), ""
    return _fits(solution, edited, table), how, command


def edited_model(
    edits: tuple[Edit, ...], ref: ModelRef, model: nn.Module, table: ParamTable
) -> tuple[nn.Module, str, str]:
    """Build a model with edits, through its own arguments or by surgery on a copy of `model`; say how, and the MODEL.

    Raises:
        DiagnoseError: the model's own code refuses the arguments.
        CannotEditError, AttributeError: an edit cannot be made on this model.
    """
    changed = _changed(ref, edits, table)
    if changed is not None:
        return build(changed).module, f"built as {changed.text}", changed.text
    return _by_surgery(edits, model, table), "built by surgery on the model, forward pass run", ""


def _fits(solution: Solution, model: nn.Module, before: ParamTable) -> bool:
    """Return whether a built model counts what was predicted and its forward pass reads all that is new."""
    if before.inputs is None:
        return False
    after = count_parameters(with_named_inputs(model, before.inputs), (before.inputs,))
    known = {(row.path, row.shape) for row in before.rows}
    idle = {row.path for row in before.rows if row.used is False}  # an auxiliary head may get other shapes
    reads_new = all(row.used for row in after.rows if (row.path, row.shape) not in known and row.path not in idle)
    return reads_new and solution.convention.total(layout_of(after).counts()) == solution.total


def _by_surgery(edits: tuple[Edit, ...], model: nn.Module, table: ParamTable) -> nn.Module:
    model = copy.deepcopy(model)
    layout = layout_of(table)
    depths = [dict(edit.parameters)["blocks"] for edit in edits if "blocks" in dict(edit.parameters)]
    others: list[Edit | None] = [edit for edit in edits if "blocks" not in dict(edit.parameters)]
    for blocks in depths:
        set_depths(model, layout, blocks)
        layout = layout_of(count_parameters(model))
        known = edits_by_key(layout)  # other blocks, other paths: the same edits made for the deeper network
        others = [known.get(edit.key) for edit in others if edit is not None]
    edited: Layout | None = layout
    for edit in others:
        edited = edit.apply(edited) if edit is not None and edited is not None else None
    if edited is None:
        raise CannotEditError("the edits do not apply together")
    build_edited(model, layout, edited)
    return model


# ------------------------------------------------------------------------------ the model's own arguments


def _changed(ref: ModelRef, edits: tuple[Edit, ...], table: ParamTable) -> ModelRef | None:
    """Return the MODEL that has all the edits, or None where its own arguments cannot make them."""
    arguments = _arguments(ref, edits)
    if arguments is None:
        return None
    kwargs = {**dict(ref.kwargs), **arguments}
    if any(edit.family == "dense blocks" for edit in edits):
        ref, kwargs = _DENSENET, {**_dense_arguments(layout_of(table)), **kwargs}
    call = ", ".join(f"{key}={value!r}" for key, value in kwargs.items())
    return replace(ref, text=f"{ref.text.partition('(')[0]}({call})", kwargs=tuple(kwargs.items()))


def _dense_arguments(layout: Layout) -> Mapping[str, Any]:
    """Return what torchvision's densenet121 and its likes give the class, and take no other value of."""
    first = next(group for group in layout.groups if group.is_block)
    return {
        "growth_rate": dense_growth(layout),
        "block_config": layout.blocks_per_stage(),
        "num_init_features": first.inward,
    }


def _arguments(ref: ModelRef, edits: tuple[Edit, ...]) -> Mapping[str, Any] | None:
    """Return the keyword arguments that make all the edits, or None where the model has no such arguments."""
    made: dict[str, Any] = {}
    for edit in edits:
        arguments = _argument(ref, edit)
        if arguments is None or made.keys() & arguments.keys():
            return None
        made |= arguments
    return made


def _argument(ref: ModelRef, edit: Edit) -> Mapping[str, Any] | None:
    given = dict(edit.parameters)
    if edit.family == "number of classes" and ref.source in ("torchvision", "timm"):
        return {"num_classes": given["classes"]}
    if edit.family == "dense blocks" and ref.source == "torchvision" and "compression" not in given:
        return {"growth_rate": given["growth"]} if "growth" in given else {"block_config": given["blocks"]}
    made = (hook(ref, edit) for hook in hooks("arguments"))
    return next((arguments for arguments in made if arguments is not None), None)
