"""The sign beside each word of judgement, so that no colour carries a meaning alone."""

from __future__ import annotations

from diagnose.values import Ruling, Significance

MARKS = {None: "=", Significance.COSMETIC: "~", Significance.REAL: "≠", Significance.UNDETERMINED: "?"}
"""The sign that stands beside a verdict's word."""

TONE_MARKS = {"plain": "", "verdict": "", "good": "✓", "bad": "✗", "caution": "!", "hint": "→", "note": ""}
"""The sign that stands before a paragraph, so that its colour says nothing alone."""

WORDS: dict[str, str] = {verdict.value: sign for verdict, sign in MARKS.items() if verdict} | {
    Ruling.SUPPORTED.value: "✓",
    Ruling.REFUTED.value: "✗",
}
"""The sign of each word that a verdict's column or a section's verdict may hold."""


def signed(word: str) -> str:
    """Return a verdict's word behind its sign; another word is left as it is."""
    return f"{WORDS[word]} {word}" if word in WORDS else word
