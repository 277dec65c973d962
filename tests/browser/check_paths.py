"""The main paths of an operator, in a real browser, against the real process.

Law: nothing is waited for but what one would see.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from chromium import Open, browsing
from hook import Hook, Seen, hook
from playwright.async_api import Page, expect
from running import Process, build, environment, serving

TOKEN = "correct-horse-battery-staple"
HOSTILE = "<script>alert('receiver')</script><img src=x onerror=alert(1)>"


class Receiver:
    """Answers 503 until it is mended; a good answer waits until it may go."""

    def __init__(self) -> None:
        self.mended = False
        self.go = asyncio.Event()

    async def answer(self, _: Seen) -> web.Response:
        if not self.mended:
            return web.Response(status=503, text=f"closed for repairs {HOSTILE}")
        await self.go.wait()
        return web.Response(status=204)


class Scene:
    """A running sidecar with one receiver, `hook` by name."""

    def __init__(self, process: Process, base: str, receiver: Receiver, seen: Hook) -> None:
        self.process, self.base, self.receiver, self.seen = process, base, receiver, seen

    async def fail(self, count: int = 6) -> None:
        """So many events come; the endpoint fails, and its state says so."""
        for number in range(count):
            await self.process.post("/events", build(number, f"octo/{number}"))
        await self.process.until("endpoint.failing")


@pytest.fixture
async def browser() -> AsyncIterator[Open]:
    async with browsing() as opened:
        yield opened


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(tmp_path) as made:
        yield made


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Scene]:
    receiver = Receiver()
    async with hook(receiver.answer) as seen:
        settings = environment(
            folder,
            SIDECAR_ENDPOINT_HOOK_URL=seen.url,
            SIDECAR_ENDPOINT_HOOK_SECRET="0123456789abcdef0123456789abcdef",
            SIDECAR_RETRY_SCHEDULE="1h",
            SIDECAR_ADMIN_LISTEN="127.0.0.1:0",
            SIDECAR_ADMIN_TOKEN=TOKEN,
            SIDECAR_DRAIN_TIMEOUT="0s",
        )
        del settings["DRONE_WEBHOOK_SECRET"]
        async with serving(settings) as process:
            base = f"http://{(await process.until('admin.listening'))['address']}"
            yield Scene(process, base, receiver, seen)
            receiver.go.set()


async def sign_in(page: Page) -> None:
    await page.get_by_role("link", name="Sign in").click()
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_a_failing_endpoint_is_seen_its_last_failure_opened_sent_again_and_seen_delivered_live(
    scene: Scene, browser: Open
) -> None:
    async with browser(scene.base) as page:
        await page.goto("/")
        await expect(page.get_by_role("heading", level=1)).to_have_text("The endpoint is well")
        await scene.fail()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Of 1 endpoint: 1 failing")  # live
        await sign_in(page)
        await page.get_by_role("link", name="hook", exact=True).click()
        await page.locator("tr", has_text="503").get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name="Attempt 1")).to_be_visible()
        await expect(page.locator("pre").first).to_contain_text(f"closed for repairs {HOSTILE}")
        await scene.process.post("/endpoints/hook/resume")
        scene.receiver.mended = True
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_text("It is owed again, and due at once.")).to_be_visible()
        await page.evaluate("window.stayed = true")
        scene.receiver.go.set()
        await expect(page.locator("#delivery .badge").first).to_have_text("delivered")
        await expect(page.get_by_role("heading", name="Attempt 2")).to_be_visible()
        assert await page.evaluate("window.stayed"), "it was loaded again"


async def test_a_wrong_token_says_so_and_the_right_one_signs_in_and_goes_back(scene: Scene, browser: Open) -> None:
    async with browser(scene.base) as page:
        await page.goto("/deliveries?state=dead")
        await page.get_by_role("link", name="Sign in").click()
        await page.get_by_label("Token").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        await expect(page.get_by_label("Token")).to_be_focused()
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{scene.base}/deliveries?state=dead")
        cookies = await page.context.cookies()
        assert [(one["httpOnly"], one["sameSite"]) for one in cookies] == [(True, "Strict")]
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_all_of_it_works_without_javascript(scene: Scene, browser: Open) -> None:
    async with browser(scene.base, java_script_enabled=False) as page:
        await scene.fail()
        await page.goto("/")
        await expect(page.locator("noscript p")).to_be_visible()
        await sign_in(page)
        await page.get_by_role("button", name="Pause hook").click()
        await expect(page.locator("#endpoints .badge")).to_have_text("paused")
        await page.get_by_role("button", name="Resume hook").click()
        await expect(page.get_by_role("button", name="Pause hook")).to_be_visible()
        await expect(page.locator("#endpoints .badge")).to_have_text(re.compile("^(active|failing)$"))  # it still fails
        await page.get_by_role("link", name="Deliveries", exact=True).click()
        await page.get_by_label("Subject").fill("octo/3")
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.locator("tbody").get_by_role("link").click()
        scene.receiver.mended = True
        scene.receiver.go.set()
        await page.get_by_role("button", name="Send again").click()
        await scene.seen.until_good(1)


async def test_the_keyboard_alone_is_enough(scene: Scene, browser: Open) -> None:
    async with browser(scene.base) as page:
        await page.goto("/")
        await sign_in(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        for _ in range(10):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.id") == "pause-hook":
                break
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert outline == "3px"
        await page.keyboard.press("Enter")
        await expect(page.locator("#endpoints .badge")).to_have_text("paused")


async def test_who_is_at_a_button_stays_there_while_the_page_changes(scene: Scene, browser: Open) -> None:
    async with browser(scene.base) as page:
        await page.goto("/")
        await sign_in(page)
        await expect(page.locator("#live-state")).to_have_text("live")
        await page.locator("#ping-hook").focus()
        await scene.fail()
        await expect(page.locator("#endpoints .badge")).to_have_text("failing")
        await expect(page.locator("#ping-hook")).to_be_focused()
