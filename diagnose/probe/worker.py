"""One trial in a process of its own: `python -m diagnose.probe.worker FOLDER IMAGES`."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diagnose.errors import DiagnoseError
from diagnose.probe.journal import RUNNING, Journal
from diagnose.values import EpochResult


def work(folder: Path, images_file: Path) -> None:
    """Run the trial of `folder` to its end, from its last whole epoch on; how it ended stands in its journal."""
    from diagnose.probe.image_cache import read
    from diagnose.probe.images import Images
    from diagnose.probe.train import DivergedError, train
    from diagnose.probe.trials import from_json
    from diagnose.probe.weights import initialised

    journal, parent = Journal(folder), os.getppid()
    spec = from_json(journal.spec.read_text())
    with journal.alone():
        if journal.status() != RUNNING:
            return
        splits = read(images_file)
        if splits is None:
            raise DiagnoseError(f"cannot read the images {images_file}")
        state = journal.state()
        curve = [EpochResult(**result) for result in state["curve"]] if state else []
        journal.rewrite(tuple(curve))

        def keep(result: EpochResult, state: dict[str, Any]) -> None:
            curve.append(result)
            journal.keep(state | {"curve": [asdict(each) for each in curve]})
            journal.append(result)

        images = Images(spec.images_name, spec.images_key, (), *splits)
        try:
            model = initialised(spec.model, spec.settings.init, spec.seed)
            options: dict[str, Any] = {"length": spec.length, "seed": spec.seed, "numerics": spec.numerics}
            for _ in train(model, images, spec.settings, **options, state=state, keep=keep):
                if os.getppid() != parent:
                    return  # the probe was killed: nobody waits for this trial
        except DivergedError as error:
            journal.finish(str(error))
        else:
            journal.finish("done")


def main() -> None:
    """Run the trial that the command line names; Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(Path(sys.argv[1]), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
