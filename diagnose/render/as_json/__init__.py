"""A report as JSON: `encode` writes it and reads it back through `decode`; `schema` describes it as a JSON Schema."""

from diagnose.render.as_json.encode import parse, render

LONGEST = 64 << 20
"""Longest report that is read, in bytes."""

__all__ = ["LONGEST", "parse", "render"]
