"""Faults of train and eval mode, as the modules acted that depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from diagnose.values import Fault, FaultKind, Significance
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog


def _acted(modes: Mapping[str, list[int]], mode: int, *, grad: str = "") -> dict[str, int]:
    """Return the modules that acted in train (0) or eval mode (1), with how often; `grad` keeps one kind of call."""
    acted: dict[str, int] = {}
    for key, counts in modes.items():
        name, _, kind = key.partition("/")
        if counts[mode] and (not grad or kind == grad):
            acted[name] = acted.get(name, 0) + counts[mode]
    if len(acted) > 1:  # a module of dropout calls the function
        acted.pop("functional dropout", None)
    return acted


def evaluated_in_train_mode(log: TrainingLog) -> Iterator[Fault]:
    """Yield evaluations in which norms took the batch's statistics or dropout dropped.

    A pass over the training data itself may be meant to run so: it renews the statistics of norms.
    """
    trained_on = {log.loader_of_pass.get(number) for number in log.training_passes}
    identities = {loader["data"]["identity"] for loader in log.training_loaders}
    wrong, of = [], 0
    for seen in log.evaluation_passes:
        loader = log.loaders.get(seen["loader"])
        same = seen["loader"] in trained_on
        whole = loader is not None and loader["data"]["subset"] is None and loader["data"]["identity"] in identities
        if same or whole:
            continue
        of += 1
        if _acted(seen["modes"], 0):
            wrong.append(seen)
    if wrong:
        loader = log.loaders.get(wrong[0]["loader"])
        modules = {"modules": sorted(_acted(wrong[0]["modes"], 0))}
        place = loader["place"] if loader else ""
        yield Fault(FaultKind.EVALUATED_IN_TRAIN_MODE, Significance.REAL, len(wrong), of, place, modules)


def evaluated_in_train_mode_without_loader(log: TrainingLog) -> Iterator[Fault]:
    """Yield forward passes without gradients, in train mode, beside any loader: an evaluation, or a trial of shapes."""
    outside = log.outside
    if outside is None or log.evaluation_passes or not log.training_passes:
        return
    modules, calls = _acted(outside["modes"], 0, grad="no_grad"), outside["forwards"].get("train/no_grad", 0)
    if modules and calls > 1:
        numbers = {"modules": sorted(modules)}
        yield Fault(FaultKind.EVALUATED_IN_TRAIN_MODE, Significance.UNDETERMINED, calls, calls, numbers=numbers)


def trained_in_eval_mode(log: TrainingLog) -> Iterator[Fault]:
    """Yield trainings in which the network as a whole was in eval mode: from some epoch on, or always."""
    passes = [p for p in log.passes if p["number"] in log.training_passes and p["forwards"]]
    in_eval = [p for p in passes if _in_eval(p)]
    if not in_eval:
        return
    loader = log.loaders.get(in_eval[0]["loader"])
    modules = {"modules": sorted(_acted(in_eval[0]["modes"], 1))}
    place = loader["place"] if loader else ""
    if len(in_eval) < len(passes) and not _in_eval(passes[0]):
        yield Fault(FaultKind.MODE_NOT_RESTORED, Significance.REAL, len(in_eval), len(passes), place, modules)
    else:
        yield Fault(
            FaultKind.TRAINED_IN_EVAL_MODE, Significance.UNDETERMINED, len(in_eval), len(passes), place, modules
        )


def _in_eval(seen: Event) -> bool:
    """Say whether a pass with training called its networks in eval mode alone, and a module acts by it."""
    forwards = seen["forwards"]
    trained = sum(count for key, count in forwards.items() if key == "train/grad")
    evaluated = sum(count for key, count in forwards.items() if key == "eval/grad")
    acted = _acted(seen["modes"], 1, grad="grad")
    return evaluated > 0 and trained == 0 and bool(acted) and not _acted(seen["modes"], 0, grad="grad")


CHECKS = (evaluated_in_train_mode, evaluated_in_train_mode_without_loader, trained_in_eval_mode)
