"""Pictures of the status page for the documentation: `python tests/browser/pictures.py FOLDER`.

Law: made by a command, of an hour that is always the same, and small.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from check_pages import signed_in
from chromium import NARROW, WIDE, browsing
from staging import staged

PICTURES = (
    ("status-light", "/", "light", {**WIDE, "height": 760}),
    ("status-dark", "/", "dark", {**WIDE, "height": 760}),
    ("status-phone", "/", "dark", NARROW),
    ("status-deliveries", "/deliveries?endpoint=audit", "light", {**WIDE, "height": 620}),
    ("status-delivery", "", "light", {**WIDE, "height": 700}),
)


async def main(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        async with staged(Path(made)) as admin, browsing() as opened:
            dead = (await admin.get("/deliveries?endpoint=audit&state=dead")).json["deliveries"][0]["id"]
            for name, path, scheme, size in PICTURES:
                async with opened(f"http://127.0.0.1:{admin.port}", color_scheme=scheme, viewport=size) as page:
                    await signed_in(page)
                    await page.goto(path or f"/deliveries/{dead}")
                    await page.get_by_text("live", exact=True).wait_for()
                    await page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
