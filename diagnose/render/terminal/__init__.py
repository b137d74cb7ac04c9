"""A report as terminal text: `terminal_text` draws it, with tables, figures and trees from a module each."""

from diagnose.render.terminal.terminal_text import render

__all__ = ["render"]
