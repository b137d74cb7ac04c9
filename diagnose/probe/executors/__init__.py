"""Where trials run: on this machine or on a Ray cluster, behind one small interface (`executor.Executor`).

`executor` has the loop that hands trials out and starts again what was killed. `local` runs them in processes that
`fork_server` forks, `ray_tasks` as tasks of Ray, which do what `ray_worker` says. `out_of_memory` tells a lack of
memory from other ends of a process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose.errors import UsageError

if TYPE_CHECKING:
    from diagnose.probe.data.images import Images
    from diagnose.probe.executors.executor import Executor
    from diagnose.probe.request import ProbeRequest


@contextmanager
def executor_for(request: ProbeRequest, images: Images, folder: Path, *, ray: str | None) -> Iterator[Executor]:
    """Yield what runs the trials of a request; at the end, stop everything that still runs.

    `folder` holds the journals, and the images where the processes of this machine read them.

    Raises:
        DiagnoseError: the folder cannot be made or Ray is not installed (exit code 2), or there is no cluster at its
            address (3).
    """
    from diagnose.probe.data.image_cache import placed
    from diagnose.probe.trial.devices import visible_gpus

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot keep trials in {folder}: {error.strerror}",
            hint="--runs names a folder that can be written.",
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
