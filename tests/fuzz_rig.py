"""What every fuzz test shares: how many inputs, and spoilt bytes.

Law: a short run is the same every time; a long one (`make fuzz EXAMPLES=100000`) takes other inputs each time, and says
how many there were. A failure of hypothesis prints the input that made it.
"""

import asyncio
import os
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

T = TypeVar("T")

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Inputs of a long run; 0 for the short one."""

FUZZ = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

long = pytest.mark.timeout(0 if EXAMPLES else 120)

SECONDS = 10.0
"""After which an input hangs."""


@dataclass
class Meter:
    """Counts inputs, and ends what takes too long."""

    name: str
    runner: asyncio.Runner = field(default_factory=asyncio.Runner)
    inputs: int = 0
    slowest: float = 0.0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """One input."""

        async def bounded() -> T:
            async with asyncio.timeout(SECONDS):
                return await work

        with self.one():
            return self.runner.run(bounded())

    @contextmanager
    def one(self) -> Iterator[None]:
        """One input that never gives the loop back."""
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self.inputs, self.slowest = self.inputs + 1, max(self.slowest, took)
        assert took < SECONDS, f"it took {took:.1f} s"


@contextmanager
def metered(name: str) -> Iterator[Meter]:
    """For all inputs of a test; of a long run it tells."""
    meter, start = Meter(name), time.perf_counter()
    try:
        yield meter
        assert meter.inputs >= EXAMPLES, f"only {meter.inputs} inputs"
        if EXAMPLES:
            told = f"| {name} | {meter.inputs:,} | {meter.slowest * 1000:,.0f} | {time.perf_counter() - start:,.0f} |"
            sys.stderr.write(f"\n{told}\n")
    finally:
        meter.runner.close()


Spoil = tuple[int, str, bytes]

SPOILS = st.lists(
    st.tuples(st.integers(0, 2000), st.sampled_from(("set", "put", "cut", "drop", "double")), st.binary(max_size=3)),
    max_size=4,
)


def spoilt(data: bytes, spoils: list[Spoil]) -> bytes:
    """`data` with a few bytes changed, put in, left out, doubled, or cut off."""
    for where, what, more in spoils:
        at = where % (len(data) + 1)
        match what:
            case "set":
                data = data[:at] + more + data[at + len(more) :]
            case "put":
                data = data[:at] + more + data[at:]
            case "cut":
                data = data[:at] if where % 5 == 0 else data
            case "drop":
                data = data[:at] + data[at + 1 + where % 7 :]
            case _:
                data = data[:at] + data[at : at + 40] * 2 + data[at + 40 :]
    return data
