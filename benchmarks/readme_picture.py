"""Draw the pictures of the README and of docs/: the real terminal output of commands, as SVGs without outside fonts.

./run python benchmarks/readme_picture.py [NAME…]
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

COMMANDS = {
    "params-prodpoly": ("diagnose", "params", "prodpoly", "--reported", "6.0M"),
    "diff-resnet18": ("diagnose", "diff", "torchvision:resnet18", "timm:resnet18"),
}
"""Each picture's name and what it shows."""
REPORTS = Path(__file__).parent.parent / "reports"
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
<title>TITLE</title>
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


def draw(name: str, command: tuple[str, ...]) -> None:
    """Run the command in a terminal of `COLUMNS` columns, keep its first lines, and write the picture."""
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "FORCE_COLOR": "1"}
    shell = ["sh", "-c", f"{' '.join(command)} 2>/dev/null"]
    script = f"import pty, sys; sys.exit(pty.spawn({shell!r}) >> 8)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment, check=False)
    if ran.returncode > 1:  # 1: a difference was found
        sys.exit(f"{' '.join(command)} ended with {ran.returncode}")
    lines = ran.stdout.decode().replace("\r\n", "\n").rstrip().split("\n")
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "dim"), (" ".join(command), "bold")), end="\n\n")
    console.print(Text.from_ansi("\n".join(lines[:LINES])))
    frame = FRAME.replace("TITLE", f"{' '.join(command)}, in a terminal")
    svg = console.export_svg(title="", theme=THEME, code_format=frame, unique_id="diagnose")
    svg = re.sub(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', _with_margin, svg)
    (REPORTS / f"{name}.svg").write_text(re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE))


def _with_margin(box: re.Match[str]) -> str:
    left, top, width, height = map(float, box.groups())
    return f'viewBox="{left:g} {top:g} {width - 2 * left:.0f} {height - 2 * top:.0f}"'


for name in sys.argv[1:] or COMMANDS:
    draw(name, COMMANDS[name])
