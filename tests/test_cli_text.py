"""What a terminal is shown: aligned, in colour where wanted, and never driven by what came from elsewhere."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cli_stub import Stub, endpoint, stub
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.cli import moments
from sidecar.cli.text import Cell, clean, excerpt, table, width

ESCAPES = re.compile(r"\x1b\[[0-9;]*[mK]")


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        it.says("GET /endpoints", {"endpoints": [endpoint(state="failing", reason="down")], "next": None})
        it.says("POST /events", b'{"accepted":1,"duplicates":0,"refused":0}\n', status=202)
        yield it


def drain(terminal: int) -> str:
    """All that comes to a terminal until nobody holds its other end."""
    came = b""
    try:
        while chunk := os.read(terminal, 65_536):
            came += chunk
    except OSError:  # Linux's way to say so
        pass
    os.close(terminal)
    return came.decode()


async def on_terminal(*arguments: str, input: bytes = b"", **environ: str) -> str:
    """What the real program shows on a terminal."""
    ours, theirs = os.openpty()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sidecar", *arguments),
        env=environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, _ = await asyncio.gather(asyncio.to_thread(drain, ours), program.communicate(input))
    return shown


async def test_a_terminal_is_shown_colour_unless_it_wants_none(sidecar: Stub) -> None:
    coloured = await on_terminal("endpoints", SIDECAR_SOCKET=sidecar.path)
    assert "\x1b[31mfailing\x1b[0m" in coloured
    plain = await on_terminal("endpoints", SIDECAR_SOCKET=sidecar.path, NO_COLOR="1")
    assert "\x1b" not in plain
    assert ESCAPES.sub("", coloured) == plain


async def test_a_pipe_is_shown_no_colour_and_no_progress(sidecar: Stub) -> None:
    result = await sidecar.run("endpoints")
    assert "\x1b" not in result.output
    assert not (await sidecar.run("emit", "-", input=b"{}\n")).stderr


async def test_progress_is_shown_on_a_terminal_and_taken_away_at_the_end(sidecar: Stub) -> None:
    shown = await on_terminal("emit", "-", input=b"{}\n", SIDECAR_SOCKET=sidecar.path)
    assert "\r\x1b[K1 events, " in shown
    assert "0 refused\r\x1b[K1 accepted" in shown


async def test_a_terminal_that_does_not_know_a_letter_is_shown_its_escape(sidecar: Stub) -> None:
    sidecar.says("GET /endpoints", {"endpoints": [endpoint(state="failing", reason="a → b")], "next": None})
    shown = await on_terminal("endpoints", SIDECAR_SOCKET=sidecar.path, PYTHONIOENCODING="latin-1")
    assert "a \\u2192 b" in shown


@given(st.text())
def test_nothing_gets_through_that_a_terminal_obeys(text: str) -> None:
    assert clean(text).isprintable()
    assert excerpt(text).isprintable()


@given(st.lists(st.tuples(st.text(max_size=9), st.text(max_size=9)), min_size=1, max_size=4))
@settings(max_examples=50)
def test_columns_are_aligned_whatever_they_hold(rows: list[tuple[str, str]]) -> None:
    lines = table(("a", ">b"), [(Cell(left, "red"), f"{right}|") for left, right in rows]).split("\n")
    assert len(lines) == len(rows) + 1
    assert len({width(ESCAPES.sub("", line)) for line in lines[1:]}) == 1


@pytest.mark.parametrize(
    ("offset", "shown"),
    [
        (0, "now"),
        (3_000, "3 s ago"),
        (-10_000, "in 10 s"),
        (180_000, "3 min ago"),
        (7_200_000, "2 h ago"),
        (-86_400_000 * 3, "in 3 d"),
    ],
)
def test_a_time_is_told_from_here(offset: int, shown: str) -> None:
    assert moments.ago("2026-01-02T03:04:05.678Z", 1_767_323_045_678 + offset) == shown


def test_no_time_and_no_valid_time_are_told_as_they_are() -> None:
    assert moments.ago(None, 0) == ""
    assert moments.ago("soon", 0) == "soon"


@pytest.mark.parametrize(("ms", "shown"), [(0.4, "0.4 ms"), (12.345, "12 ms"), (15_000, "15.0 s")])
def test_how_long_something_took_is_short_to_read(ms: float, shown: str) -> None:
    assert moments.took(ms) == shown
