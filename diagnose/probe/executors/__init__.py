"""Where trials run: on this machine or on a Ray cluster, behind one small interface (`executor.Executor`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose.errors import USAGE, DiagnoseError

if TYPE_CHECKING:
    from diagnose.probe.answer import Request
    from diagnose.probe.executors.executor import Executor
    from diagnose.probe.images import Images


@contextmanager
def executor_for(request: Request, images: Images, folder: Path, *, ray: str | None) -> Iterator[Executor]:
    """Yield what runs the trials of a request, and end with it whatever still runs.

    `folder` holds the journals, and the images where the processes of this machine read them.

    Raises:
        DiagnoseError: the folder cannot be made or Ray is not installed (exit code 2), or there is no cluster at its
            address (3).
    """
    from diagnose.probe.devices import visible_gpus
    from diagnose.probe.image_cache import placed

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiagnoseError(
            f"cannot keep trials in {folder}: {error.strerror}",
            hint="--runs names a folder that can be written.",
            exit_code=USAGE,
        ) from error
    executor: Executor
    if ray is None:
        from diagnose.probe.executors.local import Local

        gpus = visible_gpus() if request.device == "cuda" else ()
        executor = Local(folder, placed(images, folder), slots=max(len(gpus), 1), models=request.models, gpus=gpus)
    else:
        from diagnose.probe.executors.ray_tasks import RayTasks

        executor = RayTasks(folder, images, address=ray, gpu=request.device.startswith("cuda"))
    try:
        yield executor
    finally:
        executor.close()
