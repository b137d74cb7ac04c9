"""Draw the README's picture: the committed page of the built-in case, as a browser shows its head.

./run python benchmarks/page_picture.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).parent.parent
PAGE, PICTURE = ROOT / "reports" / "pinets-table5" / "index.html", ROOT / "reports" / "pinets-table5.png"
WIDTH, HEIGHT, SCALE = 1240, 1110, 1.25
COLOURS = 64


def main() -> None:
    """Open the page in headless Chromium, keep its first screen, and write it with few colours."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("There is no chromium on the PATH to open the page with.")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
        window = [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}"]
        where = [f"--user-data-dir={folder}/profile", f"--screenshot={shot}", PAGE.as_uri()]
        subprocess.run([browser, *flags, *window, *where], check=True, capture_output=True)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(PICTURE, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")


main()
