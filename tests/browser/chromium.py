"""A real browser for the status page. Law: Debian's Chromium, alone and offline: it talks to loopback only.

Run by `make browser`, not by `make test`: it needs Chromium and axe-core, which `tests/browser/get` gets.
"""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright, expect

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
WIDE, NARROW = {"width": 1200, "height": 860}, {"width": 390, "height": 844}

Open = Callable[..., AbstractAsyncContextManager[Page]]


expect.set_options(timeout=15_000)


@asynccontextmanager
async def browsing() -> AsyncIterator[Open]:
    """A browser, with what opens a page of its own in it; what the page complains of fails whoever opened it."""
    async with AsyncExitStack() as stack:
        player = await stack.enter_async_context(async_playwright())
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = await player.chromium.launch(executable_path=program, args=FLAGS)
        stack.push_async_callback(browser.close)

        @asynccontextmanager
        async def opened(base: str, **options: Any) -> AsyncIterator[Page]:
            context = await browser.new_context(base_url=base, **{"viewport": WIDE, **options})
            page = await context.new_page()
            page.set_default_timeout(15_000)
            said: list[str] = []
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
            page.on("dialog", lambda dialog: said.append(f"a dialog: {dialog.message}"))
            yield page
            await context.close()
            expected = [line for line in said if "the server responded with a status of 4" in line]
            assert [line for line in said if line not in expected] == []

        yield opened
