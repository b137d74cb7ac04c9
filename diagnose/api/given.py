"""What a caller gives: networks as modules or texts, inputs in any form; and the caller's state, which is put back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from diagnose.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

    from diagnose.values import ModelRef

Network: TypeAlias = "nn.Module | str"
"""A live module, or a MODEL text as on the command line: "torchvision:resnet18", "path/to/file.py:factory(n=20)"."""

Inputs: TypeAlias = Any
"""What a forward pass is given; only shapes and element types are read, values never.

A tensor or an array; a text, "1x3x224x224", "ids=1x128:int64"; a tuple of integers, which is one shape; a list or tuple
of these for several positional arguments; a dictionary for keyword arguments; lists and dictionaries inside; a function
without arguments that returns any of these; None for what the network's source says, or what is usual for images.
"""

Progress: TypeAlias = Callable[[str], None]
"""A function that is told in a sentence what begins or has ended."""

_FORMS = 'Give tensors, texts such as "1x3x224x224" or "1x128:int64", or lists and dictionaries of these.'


def silent(text: str) -> None:
    """Say nothing."""


@contextmanager
def callers_state_kept() -> Iterator[None]:
    """Put back at the end whatever of the process a network may change while it is built, copied or run.

    That is: the random states of Python, NumPy and torch, default dtype and device, gradient, inference and autocast
    mode, import path, program arguments and folder. What is printed by a network goes to standard error.
    """
    import torch

    from diagnose.networks.process_state import drawing_from, quiet, restored

    with ExitStack() as stack:
        for context in (quiet(), restored(), drawing_from(None), torch.inference_mode(False), torch.enable_grad()):
            stack.enter_context(context)
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if "torch._dynamo" in sys.modules:  # a function that the network has compiled runs as it is written
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        torch.set_default_dtype(torch.float32)
        if torch.get_default_device().type != "cpu":
            torch.set_default_device(None)
        yield


def as_model(network: object, name: str = "") -> str | ModelRef:
    """Return a network as what the engines build from.

    Raises:
        UsageError: it is neither a module nor a text.
    """
    if isinstance(network, str):
        return network
    if is_module(network):
        from diagnose.networks.live.live_network import live

        return live(network, name)  # type: ignore[arg-type]
    what = "a class: give an object of it" if isinstance(network, type) else f"a {type(network).__name__}"
    raise UsageError(f"A network is a torch.nn.Module or a MODEL text, and this is {what}.")


def is_module(network: object) -> bool:
    """Say whether something is a module, without importing torch for what cannot be one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


def two_models(a: object, b: object) -> tuple[str | ModelRef, str | ModelRef]:
    """Return two networks to compare; where both would have one name, they are told apart."""
    model_a, model_b = as_model(a), as_model(b)
    if str(model_a) != str(model_b) or isinstance(model_a, str) or isinstance(model_b, str):
        return model_a, model_b
    return as_model(a, f"{model_a} (A)"), as_model(b, f"{model_b} (B)")


def input_texts(inputs: Inputs, element_type: str = "float32") -> list[str]:
    """Return inputs as texts of shapes; a shape without an element type gets the one named.

    Raises:
        UsageError: something among them is no input.
    """
    return [_typed(text, element_type) for text in _texts(inputs)]


def element_type_of(network: object) -> str:
    """Return the element type that a live module takes images in; "float32" for a text."""
    if not is_module(network):
        return "float32"
    from diagnose.networks.inputs import element_type

    return element_type(network)  # type: ignore[arg-type]


def _typed(text: str, element_type: str) -> str:
    return text if ":" in text or element_type == "float32" else f"{text}:{element_type}"


def _texts(inputs: Any) -> list[str]:
    if inputs is None:
        return []
    if callable(inputs) and not _is_tensor(inputs):
        return _texts(inputs())
    if isinstance(inputs, Mapping):
        return [text for name, value in inputs.items() for text in _nested(_key(name), value)]
    if _is_shape(inputs) or isinstance(inputs, str) or _is_tensor(inputs):
        return [_leaf(inputs)]
    if not isinstance(inputs, Sequence):
        raise _no_input(inputs)
    return [text for place, value in enumerate(inputs) for text in _positional(place, value)]


def _positional(place: int, value: Any) -> list[str]:
    if isinstance(value, Mapping) or (isinstance(value, (list, tuple)) and not _is_shape(value)):
        return _nested(str(place), value)
    return [_leaf(value)]


def _nested(name: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for key, entry in value.items() for text in _nested(f"{name}.{_key(key)}", entry)]
    if isinstance(value, (list, tuple)) and not _is_shape(value):
        return [text for place, entry in enumerate(value) for text in _nested(f"{name}.{place}", entry)]
    return [f"{name}={_leaf(value)}"]


def _key(key: object) -> str:
    if not isinstance(key, (str, int)):
        raise UsageError(f"The key {key!r} of an input is no name.", hint=_FORMS)
    return str(key)


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return value
    shape = value if _is_shape(value) else getattr(value, "shape", None) if _is_tensor(value) else None
    if shape is None:
        raise _no_input(value)
    if not len(shape):
        raise UsageError("An input tensor is a single number.", hint="Every input has a batch first: 1x3x224x224.")
    dtype = "" if _is_shape(value) else f":{str(value.dtype).removeprefix('torch.')}"
    return f"{'x'.join(map(str, map(int, shape)))}{dtype}"


def _is_shape(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(type(size) is int for size in value)


def _is_tensor(value: object) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _no_input(value: object) -> UsageError:
    kind = type(value).__name__
    return UsageError(
        f"An input is a {kind}, which no network is given here.",
        hint=f"{_FORMS} What else forward takes, a module of yours can give it.",
    )
