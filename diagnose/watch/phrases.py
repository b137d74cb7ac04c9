"""The sentences of a watched run: what a setting rests on, what a fault is and does, what the shortening hides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnose.values import Ending, FactKind, Fault, FaultKind, ShortenedLoader, Sighting, SightingKind, WatchedScript
from diagnose.wording import counted

EVIDENCE: Mapping[SightingKind, str] = {
    SightingKind.STEPS: "seen at {steps} optimizer steps",
    SightingKind.GROUPS: "read off the parameter groups ({groups}) at {steps} steps",
    SightingKind.NO_OPTIMIZER: "no optimizer of torch made a step",
    SightingKind.NOT_STEPPED: "read off the optimizer, which made no step",
    SightingKind.NO_STEP: "the optimizer made no step",
    SightingKind.NO_SUCH_NUMBER: "{optimizer} has no such hyperparameter",
    SightingKind.UNLIKE_GROUPS: "the {groups} parameter groups have no one value for it ({values})",
    SightingKind.NO_NETWORK: "no network was seen to which the parameters belong",
    SightingKind.RATES: "the learning rate at {steps} steps in {epochs} epochs, from {first:g} to {last:g}",
    SightingKind.SCHEDULER_AGREES: "{scheduler} was stepped {steps} times in {epochs} epochs; each step had its rate",
    SightingKind.SCHEDULER_BEYOND: (
        "{scheduler}, stepped {steps} times in {epochs} epochs: each step seen had its rate, the rest is read off it"
    ),
    SightingKind.SCHEDULER_IDLE: "{scheduler} was made and never stepped in {epochs} epochs",
    SightingKind.SCHEDULER_STEPS: "the scheduler was stepped {steps} times in {epochs} epochs",
    SightingKind.SHORTENED_RATES: "the learning rates that were seen alone do not show it",
    SightingKind.NO_SCHEDULER: "no scheduler of torch was stepped",
    SightingKind.PASSES: "{epochs} passes with training were seen",
    SightingKind.ENDED_EARLY: "the run ended in epoch {epochs}, before the script's own end",
    SightingKind.SEVERAL_LOADERS: "{loaders} loaders were trained on, so there is no one value",
    SightingKind.NO_LOADER: "no loader of torch with a known number of images was trained on",
    SightingKind.LOADER: "read off the loader: {size}",
    SightingKind.EFFECTIVE_BATCH: "{size} of the loader × {accumulation} batches of a step × {ranks} ranks",
    SightingKind.UNEQUAL_ACCUMULATION: "the loader has {size}, but the steps took unequal numbers of batches",
    SightingKind.SUBSET: "a subset of {distinct:,} of the {of:,} images of its data set",
    SightingKind.NO_SUBSET: "the data set is no Subset, so what it was cut from is not seen",
    SightingKind.TRANSFORMS: "the transforms that the data set lists: {names}",
    SightingKind.PREPROCESSOR: "the preprocessor of the network, {name}, normalised with it",
    SightingKind.NO_TRANSFORMS: "the data set lists no transforms",
    SightingKind.UNKNOWN_TRANSFORMS: "the data set lists transforms that are not read here: {names}",
    SightingKind.LOSS_CALL: "backward started from {function}; {steps} backward passes were seen",
    SightingKind.NO_LOSS: "backward started from none of torch's loss functions",
    SightingKind.SEVERAL_LOSSES: "backward started from several losses: {names}",
    SightingKind.NO_SMOOTHING: "{function} has no one label smoothing",
    SightingKind.INITIAL_WEIGHTS: "how the weights are drawn is not looked at yet",
    SightingKind.EVALUATED_ONCE: "one evaluation, after the last of {epochs} epochs",
    SightingKind.EVALUATED_OFTEN: "{passes} evaluations in {epochs} epochs; which of them is reported is not seen",
    SightingKind.NO_EVALUATION: "no evaluation on a loader was seen after training had begun",
    SightingKind.SPLIT: "{data} says that it is the split {split}",
    SightingKind.NO_SPLIT: "loaders evaluated on: {loaders}; no data set says which split it is",
    SightingKind.SEED_CALL: "calls of torch.manual_seed: {calls}",
    SightingKind.NO_SEED: "torch.manual_seed was not called",
    SightingKind.SEVERAL_SEEDS: "torch.manual_seed was called {calls} times, with no one seed before the first step",
    SightingKind.CALLS: "calls that were seen: {calls}",
    SightingKind.NO_CALLS: "no call was seen",
    SightingKind.FORWARDS: "seen at forward passes",
    SightingKind.MEASURED: "measured in {batches} batches",
}

FACTS: Mapping[FactKind, str] = {
    FactKind.HYPERPARAMETERS: "further hyperparameters",
    FactKind.PARAMETER_GROUPS: "parameter group",
    FactKind.OPTIMIZERS: "optimizers that stepped",
    FactKind.ACCUMULATION: "batches of one step",
    FactKind.SHUFFLE: "shuffled",
    FactKind.DROP_LAST: "last, smaller batch dropped",
    FactKind.WORKERS: "workers",
    FactKind.RANKS: "processes that train together",
    FactKind.CLIPPING: "gradient clipping",
    FactKind.PRECISION: "mixed precision",
    FactKind.SCALER: "gradient scaler",
    FactKind.AVERAGE: "averaged weights",
    FactKind.EVALUATION_MODE: "mode in evaluation",
    FactKind.EVALUATION_GRAD: "gradients in evaluation",
    FactKind.EVALUATION_IMAGES: "images evaluated on",
    FactKind.IMAGES: "images",
    FactKind.LOSS_ARGUMENTS: "loss with its arguments",
    FactKind.NETWORK: "network",
    FactKind.CHECKPOINT: "checkpoint",
}

FAULTS: Mapping[FaultKind, str] = {
    FaultKind.GRADIENTS_KEPT: (
        "Before {seen} of {of} steps of {optimizer} the gradients of the step before had "
        "not been cleared: old ones were "
        "added to the new ones. Is zero_grad missing?"
    ),
    FaultKind.STEP_WITHOUT_GRADIENT: (
        "{seen} of {of} steps of {optimizer} had no gradient to use: is zero_grad between backward and step?"
    ),
    FaultKind.NEVER_STEPPED: "{optimizer} was never stepped in {of} backward passes: no parameter was trained by it.",
    FaultKind.ZERO_RATE: "The learning rate was 0 at all {of} steps.",
    FaultKind.SCHEDULER_IDLE: (
        "{scheduler} was made and never stepped in {of} epochs: the learning rate stayed as it was."
    ),
    FaultKind.SCHEDULER_FIRST: (
        "{scheduler} was stepped before the first step of the optimizer, whose rate was "
        "{rate:g}: the first rate of the "
        "schedule never acted."
    ),
    FaultKind.SCHEDULE_TOO_FAST: (
        "{scheduler} is stepped after each batch, and is over after {seen} of the {of} "
        "batches of the first epoch: were its "
        "numbers meant for epochs?"
    ),
    FaultKind.SCHEDULE_TOO_SLOW: (
        "{scheduler} is made for {of} steps and was stepped {seen} times, once per epoch: most of it never acted."
    ),
    FaultKind.EVALUATED_IN_TRAIN_MODE: "{seen} of {of} evaluations ran in train mode: {modules} acted as in training.",
    FaultKind.TRAINED_IN_EVAL_MODE: (
        "The network was in eval mode in {seen} of {of} epochs ({modules}). In fine-tuning that may be meant."
    ),
    FaultKind.MODE_NOT_RESTORED: (
        "The network trained in train mode at first and in eval mode in {seen} of {of} epochs ({modules}): train() was "
        "not called again after an evaluation."
    ),
    FaultKind.PROBABILITIES_AS_LOGITS: (
        "cross_entropy gets probabilities, whose rows sum to 1, in {seen} of {of} calls "
        "looked at; it applies a softmax of "
        "its own."
    ),
    FaultKind.SIGMOID_BEFORE_LOGITS: (
        "binary_cross_entropy_with_logits gets the output of a sigmoid in {seen} of {of} "
        "calls looked at; it applies one of "
        "its own."
    ),
    FaultKind.NO_LOG_PROBABILITIES: (
        "nll_loss gets numbers above 0 in {seen} of {of} calls looked at: they are no log-probabilities."
    ),
    FaultKind.LABELS_OUT_OF_RANGE: "Labels go from {lowest} to {highest}; the loss has {classes} classes, from 0 on.",
    FaultKind.ONE_LABEL: "All {seen:,} labels of the training that were seen are {label}.",
    FaultKind.BROADCAST_LOSS: (
        "{function} compares {input} with {target}: each prediction with every target, "
        "in {seen} of {of} calls looked at."
    ),
    FaultKind.LOSS_NOT_FINITE: "The loss was {value} in {seen} of {of} backward passes, first in number {backward}.",
    FaultKind.STALE_PARAMETERS: (
        "{seen} of the {of} tensors that the optimizer holds belong to no network that ran and had no gradient, while "
        "{outside} tensors that had one are in no optimizer: {names}. Was a layer "
        "replaced after the optimizer was made?"
    ),
    FaultKind.OUTSIDE_OPTIMIZER: (
        "{seen} of {of} tensors have a gradient and are in no optimizer, so they stay as "
        "they are: {names}. It may be meant."
    ),
    FaultKind.WITHOUT_GRADIENT: (
        "{seen} of the {of} tensors that the optimizer holds had no gradient at any of "
        "{looks} steps looked at: {names}."
    ),
    FaultKind.ORDER_REPEATED: (
        "The loader shuffles, and yet the labels came in the same order in all {of} epochs: is a seed set in each?"
    ),
    FaultKind.NOT_SHUFFLED: "The training data came in the same order in all {of} epochs ({sampler}).",
    FaultKind.CLIPPED_AFTER_STEP: (
        "Gradients were clipped after the step that used them, in all {of} calls: without effect."
    ),
    FaultKind.AVERAGE_IDLE: "The averaged weights were never updated in {of} steps.",
    FaultKind.CHECKPOINT_NOT_TAKEN: (
        "{seen} of {of} tensors of {into} were not in the checkpoint that was loaded: {names}."
    ),
    FaultKind.SCALED_STEPS_SKIPPED: (
        "The gradient scaler skipped {seen} of {of} steps, for gradients that were not finite."
    ),
    FaultKind.RESEEDED: (
        "The seed {seed} was set at {of} moments of the training: what is drawn after them is drawn again."
    ),
}

ENDINGS: Mapping[Ending, str] = {
    Ending.BY_ITSELF: "It ran to its own end.",
    Ending.FAILED: "It ended with an error.",
    Ending.EPOCHS: "It was ended after the epochs that were asked for.",
    Ending.SECONDS: "It was ended after the seconds that were asked for.",
    Ending.INTERRUPTED: "It was interrupted.",
    Ending.KILLED: "It was killed.",
    Ending.UNKNOWN: "How it ended is not known.",
}


def evidence_words(evidence: Sighting) -> str:
    """Return what a setting rests on, with the place in the script."""
    words = EVIDENCE[evidence.kind].format(**{key: _spelt(value) for key, value in evidence.numbers.items()})
    return f"{words} ({evidence.place})" if evidence.place else words


def fault_words(fault: Fault) -> str:
    """Return the sentence of a fault."""
    numbers = {key: _spelt(value) for key, value in fault.numbers.items()}
    return FAULTS[fault.kind].format(seen=fault.seen, of=fault.of, **numbers)


def _spelt(value: Any) -> Any:
    """Return a list in words, and any other value as it is."""
    if isinstance(value, list | tuple):
        return (
            "×".join(map(str, value))
            if all(isinstance(x, int) for x in value) and value
            else ", ".join(map(str, value))
        )
    return value


def ending_words(script: WatchedScript) -> str:
    """Return how a script ended, with its exit code and its error."""
    words = ENDINGS[script.ending]
    if script.exit_code:
        words += f" Its exit code was {script.exit_code}." if script.exit_code > 0 else f" Signal {-script.exit_code}."
    if script.error is not None:
        place = f" at {script.error.place}" if script.error.place else ""
        words += f" {script.error.kind}{place}: {script.error.message}".rstrip(": ") + "."
    return words


def seen_words(script: WatchedScript) -> str:
    """Return how much of a training was seen."""
    counts = script.counts
    parts = (("epochs", "epoch"), ("steps", "optimizer step"), ("evaluations", "evaluation"))
    return ", ".join(counted(counts[key], noun) for key, noun in parts)


def shortened_words(loader: ShortenedLoader) -> str:
    """Return how a loader was shortened."""
    of = f" of {loader.length:,}" if loader.length is not None else ""
    role = "training" if loader.trains else "evaluation"
    passes = "1 pass" if loader.passes == 1 else f"each of {loader.passes:,} passes"
    return f"{role}, {loader.place}: {loader.batches}{of} batches in {passes}"


HIDDEN_BY_SHORTENING = (
    "What the shortening hides: a schedule that is stepped per batch covers a part "
    "of its course (its numbers are read off "
    "the scheduler); the accuracy and the loss are not those of the whole training; labels and images are those of the "
    "batches that were seen; averaged weights and norm statistics are young."
)
