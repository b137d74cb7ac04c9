"""What acted as a recipe, and that recipe as TOML, which `recipe`, `probe` and case files read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diagnose.values import (
    NOT_STATED,
    Augmentation,
    Normalisation,
    Recipe,
    Schedule,
    Setting,
    SettingValue,
    WatchedScript,
)
from diagnose.watch.phrases import FACTS, evidence_words


def recipe_of(script: WatchedScript) -> Recipe:
    """Return the recipe that acted; what was not observed is not stated."""
    settings = tuple(
        Setting(setting.key, setting.value, f"{setting.basis.value}: {evidence_words(setting.evidence)}")
        for setting in script.settings
        if setting.value is not NOT_STATED
    )
    return Recipe(name_of(script), f"what acted in {' '.join(script.command)}", settings)


def name_of(script: WatchedScript) -> str:
    """Return the name of a script for tables: its file without folders."""
    words = [word for word in script.command if word.endswith(".py")] or list(script.command)
    return Path(words[0]).name if words else "script"


def toml_of(script: WatchedScript) -> str:
    """Return the recipe that acted as TOML, and as comments what no field of a recipe holds."""
    recipe = recipe_of(script)
    lines = [f"title = {_text(recipe.title)}", ""]
    lines += [f"{setting.key} = {toml_value(setting.value)}" for setting in recipe.settings]
    missing = [setting for setting in script.settings if setting.value is NOT_STATED]
    lines += ["", *(_comment(f"{s.key}: not observed: {evidence_words(s.evidence)}") for s in missing)]
    lines += [_comment(f"{FACTS[fact.kind]}: {fact.value}") for fact in script.facts]
    lines += ["", "[sources]", *(f"{setting.key} = {_text(setting.source)}" for setting in recipe.settings)]
    return "\n".join(lines) + "\n"


def toml_value(value: SettingValue) -> str:
    """Return a setting in TOML."""
    if isinstance(value, Schedule):
        own: dict[str, Any] = {"kind": value.kind}
        if value.kind == "step":
            own |= {"milestones": list(value.milestones), "gamma": value.gamma}
        if value.kind == "one-cycle":
            own |= {"peak": value.peak}
        if value.kind == "other":
            own |= {"text": value.text}
        return _table(own)
    if isinstance(value, Normalisation):
        return _table({"mean": list(value.mean), "std": list(value.std)})
    if isinstance(value, Augmentation):
        return _table({"pad": value.pad, "crop": value.crop, "flip": value.flip, "other": list(value.other)})
    return _plain(value)


def _table(values: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {_plain(value)}" for key, value in values.items()) + " }"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(_plain(item) for item in value)}]"
    return _text(str(value))


def _text(value: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return "# " + " ".join("".join(c if c.isprintable() else " " for c in text).split())
