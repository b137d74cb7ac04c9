"""What building a model must leave as it was: the process's state and its standard output."""

from __future__ import annotations

import logging
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def restored(seed: int | None = None) -> Iterator[None]:
    """Restore random states, default dtype and device, gradient mode, import path, arguments and folder at the end.

    Within, every generator starts from `seed` where one is given. sys.argv holds the program's name alone, so that a
    model's file that reads its command line at import does not read ours.
    """
    import numpy as np
    import torch

    folder, path, argv = os.getcwd(), list(sys.path), list(sys.argv)  # noqa: PTH109 the string that chdir takes
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    dtype, device, gradients = torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()
    try:
        sys.argv[1:] = []
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.default_generator.manual_seed(seed)
        yield
    finally:
        os.chdir(folder)
        sys.path[:] = path
        sys.argv[:] = argv
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        torch.set_grad_enabled(gradients)


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
