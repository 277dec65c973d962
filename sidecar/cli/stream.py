"""`emit -`: NDJSON from a pipe to the socket. Law: memory stays bounded; what a pipe has brought is not kept back, and
where it falls silent the request ends with the last whole line, so that its answer comes."""

import json
import sys
from collections.abc import Iterator
from io import BufferedReader, UnsupportedOperation
from select import select
from typing import Any

import click

from sidecar.cli.client import Answer, Client, Failure, refuse, sentence
from sidecar.cli.moments import elapsed

CHUNK = 65_536
HEADERS = {"Content-Type": "application/x-ndjson", "Prefer": "return=minimal"}
REDRAW = 0.1
SILENCE = 5.0
"""Seconds; well below the sidecar's patience with a body that does not come."""

Json = dict[str, Any]


class Source:
    """The lines of a file or a pipe, counted; `ended` once there are no more."""

    def __init__(self, file: BufferedReader, silence: float) -> None:
        self._file = file
        self._silence = silence
        self._held: bytes | None = None
        self.ended = False
        self.lines = 0

    def more(self) -> bool:
        """Waits for something to send, before a request is begun; True once for an empty source."""
        first = self._held is None
        self._held = b"" if self.ended else self._file.read1(CHUNK)
        return bool(self._held) or first

    def chunks(self) -> Iterator[bytes]:
        """What comes, as it comes, up to the end or to a silence behind a whole line."""
        chunk, last = self._held, b"\n"
        while chunk:
            self.lines += chunk.count(b"\n")
            last = chunk[-1:]
            yield chunk
            if last == b"\n" and not self._ready():
                return
            chunk = self._file.read1(CHUNK)
        self.lines += last != b"\n"
        self.ended = True

    def _ready(self) -> bool:
        try:
            return bool(select([self._file], [], [], self._silence)[0])
        except UnsupportedOperation:  # no file of the operating system: it never keeps us waiting
            return True


class Progress:
    """What went and what came of it, shown on a terminal's stderr."""

    def __init__(self, source: Source) -> None:
        self.totals = {"accepted": 0, "duplicates": 0, "refused": 0}
        self.listed = 0
        self._source = source
        self._started = elapsed()
        self._drawn = 0.0
        self._shown = sys.stderr.isatty()

    def watch(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The chunks, with the count of lines redrawn as they go."""
        for chunk in chunks:
            yield chunk
            if self._shown and elapsed() - self._drawn > REDRAW:
                self._drawn = elapsed()
                refused = self.totals["refused"]
                click.echo(f"\r\x1b[K{self.rate()}, {refused:,} refused", err=True, nl=False)

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)

    def rate(self) -> str:
        """How many so far, and how quickly."""
        return f"{self._source.lines:,} events, {self._source.lines / max(elapsed() - self._started, 0.001):,.0f}/s"

    def add(self, lines: list[Json], before: int) -> None:
        """Count in an answer's lines; its faults are listed, numbered as the source is."""
        *faults, total = lines
        self.totals = {name: count + total[name] for name, count in self.totals.items()}
        self.listed += len(faults)
        for fault in faults:
            click.echo(f"line {before + fault['line']}: {sentence(fault['error'])}", err=True)

    def told(self) -> str:
        return ", ".join(f"{count:,} {name}" for name, count in self.totals.items())


def stream(client: Client, file: BufferedReader, *, route: str = "/events", silence: float = SILENCE) -> None:
    """Send every line of `file`. Raises `Failure` where one is refused, after the faults are listed on stderr."""
    source = Source(file, silence)
    progress = Progress(source)
    while source.more():
        before = source.lines
        try:
            answer = client.call("POST", route, progress.watch(source.chunks()), HEADERS)
            lines = _decoded(answer)
        except Failure as failure:
            raise Failure(f"{failure.message}\n{progress.told()} before that") from None
        finally:
            progress.clear()
        if client.raw:
            click.echo(answer.body.rstrip(b"\n"))
        progress.add(lines, before)
    if not client.raw:
        click.echo(f"{progress.told()} ({progress.rate()})")
    if refused := progress.totals["refused"]:
        more = f", {progress.listed:,} of them above" if progress.listed < refused else ""
        raise Failure(f"{refused:,} of {source.lines:,} lines refused{more}; the others are accepted")


def _decoded(answer: Answer) -> list[Json]:
    """The answer's lines. Raises `Failure` for a problem, and where the last line, with the totals, is missing."""
    if answer.status // 100 != 2:
        refuse(answer)
    try:
        lines = [json.loads(line) for line in answer.body.splitlines() if line.strip()]
    except ValueError:
        lines = []
    if not lines or "accepted" not in lines[-1]:
        raise Failure(
            "sidecar: the answer broke off: what was accepted stays; send all again, with ids nothing doubles"
        )
    return lines
