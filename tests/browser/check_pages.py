"""Every page, looked at by axe-core and for what a sighted person would see. Law: light and wide, dark and narrow; no
violation is let pass."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from admin_rig import TOKEN, Admin
from chromium import AXE, NARROW, WIDE, Open, browsing
from playwright.async_api import Page
from staging import staged

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = (
    "/",
    "/deliveries",
    "/deliveries?endpoint=audit&state=dead",
    "/deliveries?state=lost",
    "/deliveries?subject=nobody",
    "/deliveries/1",
    "/events/nightly-1201",
    "/hooks",
    "/replays",
    "/sign-in",
    "/nowhere",
)
LOOKS = [("light", WIDE), ("dark", NARROW)]


@pytest.fixture
async def browser() -> AsyncIterator[Open]:
    async with browsing() as opened:
        yield opened


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Admin]:
    async with staged(tmp_path) as served:
        yield served


async def signed_in(page: Page) -> None:
    await page.goto("/sign-in")
    await page.get_by_label("Token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Sign out").wait_for()


async def judged(page: Page) -> None:
    """No violation, and nothing that must be scrolled sideways to be read."""
    await page.evaluate(AXE.read_text("utf-8"))
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    told = [(one["id"], one["help"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]
    assert told == [], page.url
    assert len(found["passes"]) > 10
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=["light and wide", "dark and narrow"])
async def test_no_page_has_a_fault_that_keeps_anybody_out(
    stage: Admin, browser: Open, scheme: str, size: dict[str, int]
) -> None:
    async with browser(f"http://127.0.0.1:{stage.port}", color_scheme=scheme, viewport=size) as page:
        await signed_in(page)
        for path in PAGES:
            await page.goto(path)
            await judged(page)
        await page.goto("/deliveries?endpoint=audit&state=dead")
        await page.locator("tbody").get_by_role("link").first.click()
        for details in await page.locator("details").all():
            await details.locator("summary").click()
        await judged(page)


async def test_the_form_with_a_wrong_token_has_no_fault_either(stage: Admin, browser: Open) -> None:
    async with browser(f"http://127.0.0.1:{stage.port}") as page:
        await page.goto("/sign-in")
        await page.get_by_label("Token").fill("wrong")
        clock = stage.house.clock
        pressed = asyncio.ensure_future(page.get_by_role("button", name="Sign in").click())
        await clock.waiting(clock.now() + 250)
        clock.advance(250)
        await pressed
        await page.get_by_role("alert").wait_for()
        await judged(page)


async def test_the_page_is_as_large_as_the_reader_wants_it(stage: Admin, browser: Open) -> None:
    """WCAG 1.4.10: at 400 % of a 1280 pixel window nothing is lost, and nothing scrolls both ways."""
    async with browser(f"http://127.0.0.1:{stage.port}", viewport={"width": 320, "height": 256}) as page:
        await signed_in(page)
        for path in ("/", "/deliveries", "/deliveries/1"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
