"""What the pages show is what happens: their commands are run, in order, and what they print is compared.

Law: real programs in a folder of their own. `…` stands for what is left out; moments, spans, generated ids and process
numbers may differ, and so does the port, which is any that is free. A page tells how by comments that no reader sees:

    <!-- file: NAME -->          the next block is a file
    <!-- stays: TEXT -->         the next command keeps running; it has begun once it says TEXT
    <!-- starts: TEXT | COMMAND -->  likewise, and the command is not shown
    <!-- ends: COMMAND -->       that command is stopped as by ^C
    <!-- fails -->               the next block's commands exit with a status other than 0
    <!-- runs ... -->            what is run and not shown
    <!-- not run: WHY -->        the next block is for reading only
"""

import asyncio
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from receivers import unused_port

ROOT = Path(__file__).parent.parent
ELSEWHERE = {
    "CONTRIBUTING.md": "tests/test_house.py",  # `make test` is what runs this very file
    "docs/howto/add-a-dialect.md": "tests/test_docs_dialect.py",
    "docs/howto/verify/shell.md": "verifiers/run.py",
}
"""Pages whose commands are run by something else."""

PAGES = [
    str(path.relative_to(ROOT))
    for path in sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
    if re.search(r"^```(?:console|sh)$", path.read_text("utf-8"), re.MULTILINE)
    if str(path.relative_to(ROOT)) not in ELSEWHERE
]
PORTS = ("9000", "8485")
SECONDS = 30

TOKEN = re.compile(r"^<!-- (?P<note>.*?) ?-->$|^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SAME = (
    (r"\x1b\[[0-9;]*m", ""),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r"\b\d{4}-\d\d-\d\dT[\d:.]+Z", "MOMENT"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"\b(?:in )?\d+(?:\.\d+)? (?:ms|s|min|h|d)\b(?!=)(?: ago)?|\bnow\b", "SPAN"),
    (r"(\w+_ms\"?[=:]|\bms=)[\d.]+", r"\1N"),
    (r"process \d+", "process N"),
    (r"(127\.0\.0\.1[:-])\d{4,5}\b", r"\1PORT"),
    (r"(sidecar[ /]|version=)\d+\.\d+\.\d+", r"\1VERSION"),
    (r"[ \t]+", " "),
    (r" ?\n", "\n"),
)
"""What may differ from one run to the next."""


class Step(NamedTuple):
    """Something that a page has its reader do; `shown` is what the page says comes of it."""

    act: str
    text: str
    shown: str = ""
    note: str = ""


def steps(page: str) -> Iterator[Step]:
    """All that a page does, in order."""
    act, note = "run", ""
    for token in TOKEN.finditer(page):
        if token["note"] is not None:
            act, _, note = re.sub(r"^(\w+(?: run)?):? ?", r"\1\0", token["note"]).partition("\0")
            if act in ("runs", "ends"):
                yield Step(act, note)
            elif act == "starts":
                said, _, command = note.partition(" | ")
                yield Step("stays", command, note=said)
        elif act in ("file", "stays") or (act in ("run", "fails") and token["kind"] in ("console", "sh")):
            yield from _block(act, note, token["kind"], token["text"])
        if token["note"] is None or act not in ("file", "stays", "fails", "not run"):
            act, note = "run", ""


def _block(act: str, note: str, kind: str, text: str) -> Iterator[Step]:
    if kind != "console":
        yield Step(act, text, note=note)
        return
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        size = 1 + next((n for n, line in enumerate(lines[1:]) if not line.startswith("> ")), len(lines) - 1)
        command = "".join([lines[0], *(line.removeprefix("> ") for line in lines[1:size])])
        yield Step(act, command.strip(), "".join(lines[size:]), note)


def plain(text: str) -> str:
    """`text` without what may differ."""
    for pattern, instead in SAME:
        text = re.sub(pattern, instead, text)
    return text.strip("\n") + "\n" if text.strip() else ""


def pattern(shown: str, *, between: str = "") -> str:
    """A regular expression for what a page shows; `between` its lines there may be others."""
    lines = plain(shown).splitlines()
    rows = [ANY if line.strip() == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n" for line in lines]
    return between + "".join(row + between for row in rows)


ANY = r"(?:.*\n)*"


class Running:
    """A command that stays."""

    def __init__(self, step: Step, process: asyncio.subprocess.Process) -> None:
        self.step = step
        self._process = process
        self._said = ""
        self._more = asyncio.Condition()
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            async with self._more:
                self._said += line.decode()
                self._more.notify_all()
        async with self._more:
            self._more.notify_all()

    async def begun(self) -> None:
        async with asyncio.timeout(SECONDS), self._more:
            await self._more.wait_for(lambda: self.step.note in self._said or self._process.returncode is not None)
        assert self.step.note in self._said, self._said

    async def end(self) -> None:
        """As by ^C; then it must have said what the page shows."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGINT)
        async with asyncio.timeout(SECONDS):
            await self._process.wait()
            await self._reading
        assert re.fullmatch(pattern(self.step.shown, between=ANY), plain(self._said)), told(self.step, self._said)


class Reader:
    """A reader at work: a folder, the programs on the path, and what they have started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Running] = []
        tools = folder / ".bin"
        tools.mkdir()
        for name, command in (("sidecar", f"{sys.executable} -m sidecar"), ("python", sys.executable)):
            _program(tools / name, f'exec {command} "$@"')
        _program(tools / "make", '[ "$*" = demo ] && exec sidecar demo')
        kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "LANG") if name in os.environ}
        made = {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
        ours = {"SIDECAR_LOG_FORMAT": "console", "SIDECAR_ADMIN_LISTEN": "127.0.0.1:0"}  # others run beside it
        self._environment = {**kept, **made, **ours, "PYTHONUNBUFFERED": "1"}
        (folder / ".state").touch()

    async def take(self, step: Step) -> None:
        match step.act:
            case "file":
                (self.folder / step.note).write_text(step.text, "utf-8")
            case "stays":
                await self._start(step)
            case "ends":
                await self._end(step.text)
            case _:
                await self._run(step)

    async def _run(self, step: Step) -> None:
        keep = f'. {self.folder}/.state; eval "$1"; status=$?; export -p > {self.folder}/.state; exit $status'
        process = await self._spawn("sh", "-c", keep, "sh", step.text)
        async with asyncio.timeout(SECONDS):
            said = (await process.communicate())[0].decode()
        assert (process.returncode != 0) == (step.act == "fails"), told(step, said)
        if step.shown:
            assert re.fullmatch(pattern(step.shown), plain(said)), told(step, said)

    async def _start(self, step: Step) -> None:
        process = await self._spawn("sh", "-c", f". {self.folder}/.state; {step.text}")
        self._running.append(Running(step, process))
        await self._running[-1].begun()

    async def _end(self, command: str) -> None:
        [one] = [one for one in self._running if one.step.text == command]
        self._running.remove(one)
        await one.end()

    async def close(self) -> None:
        """What was started last ends first."""
        while self._running:
            await self._running.pop().end()

    async def _spawn(self, *command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self._environment, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    path.chmod(0o755)


def told(step: Step, said: str) -> str:
    """For whoever has to mend the page."""
    return f"$ {step.text}\nthe page shows:\n{plain(step.shown)}\nit said:\n{said}\nthat is:\n{plain(said)}"


@pytest.mark.parametrize("page", PAGES)
async def test_what_a_page_shows_is_what_happens(page: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = (ROOT / page).read_text("utf-8")
    for port in PORTS:
        text = re.sub(rf"\b{port}\b", str(unused_port()), text)
    todo = list(steps(text))
    for tool in ("curl", "openssl"):
        if shutil.which(tool) is None and any(tool in step.text for step in todo):
            pytest.skip(f"{page} uses {tool}, which is not installed here")
    reader = Reader(tmp_path_factory.mktemp("d"))
    try:
        for step in todo:
            await reader.take(step)
    finally:
        await reader.close()


def test_what_runs_the_other_pages_is_there() -> None:
    assert all((ROOT / page).exists() and (ROOT / program).exists() for page, program in ELSEWHERE.items())


def test_the_demo_of_the_makefile_is_the_command_that_is_run_here() -> None:
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ndemo:")[2].partition("\n\n")[0]
    assert "-m sidecar demo\n" in f"{recipe}\n"
