"""Draw the README's picture: the real terminal output of a command, as an SVG without outside fonts.

./run python benchmarks/readme_picture.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COMMAND = ("diagnose", "params", "prodpoly", "--reported", "6.0M")
PICTURE = Path(__file__).parent.parent / "reports" / "params-prodpoly.svg"
COLUMNS, LINES = 112, 44
THEME = TerminalTheme(
    (16, 20, 24),
    (214, 220, 226),
    [(60, 66, 72), (240, 110, 100), (95, 200, 140), (225, 165, 70), (95, 170, 230), (200, 140, 220), (85, 195, 205),
     (214, 220, 226)],
    [(120, 128, 136), (250, 140, 130), (125, 220, 165), (240, 190, 105), (130, 195, 245), (220, 170, 238),
     (120, 215, 222), (245, 248, 250)],
)  # fmt: skip
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-24 -16 {terminal_width} {terminal_height}" role="img">
<title>diagnose params prodpoly, in a terminal</title>
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre; }}
{styles}
</style>
<defs>{lines}</defs>
<rect x="-24" y="-16" width="100%" height="100%" rx="10" fill="#101418"/>
<g>{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Run the command in a terminal of `COLUMNS` columns, keep its first lines, and write the picture."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    shell = ["sh", "-c", f"{' '.join(COMMAND)} 2>/dev/null"]
    script = f"import pty, sys; sys.exit(pty.spawn({shell!r}) >> 8)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=True)
    lines = ran.stdout.decode().replace("\r\n", "\n").rstrip().split("\n")
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (" ".join(COMMAND), "bold")), end="\n\n")
    console.print(Text.from_ansi("\n".join(lines[:LINES])))
    svg = console.export_svg(title="", theme=THEME, code_format=FRAME, unique_id="diagnose")
    svg = re.sub(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', _with_margin, svg)
    PICTURE.write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE))


def _with_margin(box: re.Match[str]) -> str:
    left, top, width, height = map(float, box.groups())
    return f'viewBox="{left:g} {top:g} {width - 2 * left:.0f} {height - 2 * top:.0f}"'


main()
