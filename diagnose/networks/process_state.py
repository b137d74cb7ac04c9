"""What building a model must leave as it was: the process's state and its standard output."""

from __future__ import annotations

import logging
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def restored() -> Iterator[None]:
    """Restore default dtype and device, gradient mode, import path, program arguments and folder at the end.

    Within, sys.argv holds the program's name alone, so that a file that reads its command line at import does not
    read ours.
    """
    import torch

    folder, path, argv = os.getcwd(), list(sys.path), list(sys.argv)  # noqa: PTH109 the string that chdir takes
    dtype, device, gradients = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    try:
        sys.argv[1:] = []
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        sys.argv[:] = argv
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(None if device.type == "cpu" else device)  # None is no override at all
        torch.set_grad_enabled(gradients)


@contextmanager
def in_mode(model: nn.Module, *, training: bool) -> Iterator[None]:
    """Put a model in train or eval mode, and restore each module's own at the end.

    So is which parameters have a gradient, since some networks freeze a part of themselves in `train()`.
    """
    before = [(module, module.training) for module in model.modules()]
    trainable = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        model.train(training)
        yield
    finally:
        for module, mode in before:
            module.training = mode
        for parameter, gradient in trainable:
            if parameter.requires_grad is not gradient:
                parameter.requires_grad = gradient


@contextmanager
def attributes_kept(model: nn.Module) -> Iterator[None]:
    """Put back at the end the attributes that a forward pass sets to tensors, as old weight norms and caches do.

    Tensors come back without a history of gradients, so that the model can be copied; what was not there is removed.
    """
    from torch import Tensor

    held = [(part, dict(vars(part))) for part in model.modules()]
    try:
        yield
    finally:
        for part, before in held:
            for name, value in list(vars(part).items()):
                if isinstance(value, Tensor) and name not in before:
                    del part.__dict__[name]
            for name, value in before.items():
                if isinstance(value, Tensor):
                    part.__dict__[name] = value.detach() if value.grad_fn is not None else value
                elif isinstance(vars(part).get(name), Tensor):
                    part.__dict__[name] = value


@contextmanager
def drawing_from(seed: int | None) -> Iterator[None]:
    """Start the random generators of Python, NumPy and torch from `seed`, where given, and restore them at the end."""
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    try:
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.default_generator.manual_seed(seed)
            if cuda is not None:
                torch.cuda.manual_seed_all(seed)
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextmanager
def quiet() -> Iterator[None]:
    """Send to standard error what Python code prints or logs to standard output.

    Loggers keep the stream they were made with (mmengine's is standard output), so their handlers are turned aside
    for as long.
    """
    out = sys.stdout
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    turned = [
        handler
        for logger in loggers
        if isinstance(logger, logging.Logger)
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in (out, sys.__stdout__)
    ]
    streams = [handler.stream for handler in turned]
    for handler in turned:
        handler.setStream(sys.stderr)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        for handler, stream in zip(turned, streams, strict=True):
            handler.setStream(stream)
