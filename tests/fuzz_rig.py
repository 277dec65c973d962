"""What every fuzz test shares: inputs made from a seed, how many, and how long one may take.

Law: hypothesis draws seeds, `random.Random` makes an input of each, so that a hundred thousand take minutes. A short
run is the same every time; a long one (`make fuzz EXAMPLES=100000`) takes others, and says how many. A failure names
the seed that makes its input again.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""Inputs of a long run; 0 for the short one."""

BATCH = 50
"""Inputs made of one seed that hypothesis draws."""

SECONDS = 10.0
"""Of CPU after which an input hangs; of the clock six times as many, because others use the machine as well."""

FUZZ = settings(
    max_examples=(EXAMPLES + BATCH - 1) // BATCH or 4,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

long = pytest.mark.timeout(0 if EXAMPLES else 120)

Dice = random.Random


def fuzz(name: str, once: Callable[[Dice], Coroutine[Any, Any, None] | None], runner: asyncio.Runner) -> None:
    """Try as many inputs as are asked for; `once` makes one of its dice, and tries it."""
    spans: list[float] = []

    @FUZZ
    @given(st.integers(0, 2**48))
    def batch(drawn: int) -> None:
        for seed in range(drawn * BATCH, (drawn + 1) * BATCH):
            start = time.process_time()
            try:
                work = once(Dice(seed))
                if work is not None:
                    runner.run(asyncio.wait_for(work, 6 * SECONDS))
                spans.append(time.process_time() - start)
                assert spans[-1] < SECONDS, f"it took {spans[-1]:.1f} s"
            except BaseException as error:
                error.add_note(f"{name}: the input of seed {seed}")
                raise

    batch()
    assert len(spans) >= EXAMPLES, f"only {len(spans)} inputs"
    if EXAMPLES:
        sys.stderr.write(f"\n| {name} | {len(spans):,} | {max(spans) * 1000:,.0f} | {sum(spans):,.0f} |\n")


def words(dice: Dice, of: Sequence[str], *, most: int = 12) -> str:
    """Some characters, of these or of all there are."""
    length = dice.randrange(most + 1)
    if dice.random() < 0.7:
        return "".join(dice.choice(of) for _ in range(length))
    return "".join(chr(dice.choice((dice.randrange(128), dice.randrange(0xD800), 0x1F600))) for _ in range(length))


def spoilt(dice: Dice, data: bytes) -> bytes:
    """`data` with a few bytes changed, put in, left out, doubled, or cut off; sometimes as it was."""
    for _ in range(dice.choice((0, 1, 1, 2, 4))):
        at, more = dice.randrange(len(data) + 1), dice.randbytes(dice.randrange(4))
        match dice.randrange(6):
            case 0:
                data = data[:at] + more + data[at + len(more) :]
            case 1:
                data = data[:at] + more + data[at:]
            case 2:
                data = data[:at] + dice.choice((b'"', b"{", b"[", b"\\", b"0", b"\n", b",", b"\xff")) + data[at + 1 :]
            case 3:
                data = data[:at] + data[at + dice.randrange(8) :]
            case 4:
                data = data[:at] + data[at : at + 40] * 2 + data[at + 40 :]
            case _:
                data = data[:at] if dice.random() < 0.3 else data
    return data


def value(dice: Dice, depth: int = 0) -> Any:
    """Anything JSON can say, and what Python's writer adds to it."""
    kind = dice.randrange(9 if depth < 4 else 7)
    match kind:
        case 0:
            return dice.choice((None, True, False))
        case 1:
            return dice.randrange(-3, 100)
        case 2:
            return dice.choice((2**31, -(2**63), 2**64, 10**40, 1e308, -0.0, float("inf"), float("nan"), 0.5))
        case 3 | 4 | 5 | 6:
            return words(dice, "abc/.-_:@ ", most=20)
        case 7:
            return [value(dice, depth + 1) for _ in range(dice.randrange(4))]
        case _:
            return {words(dice, "abc"): value(dice, depth + 1) for _ in range(dice.randrange(4))}


def written(it: Any) -> bytes:
    """As JSON."""
    return json.dumps(it).encode()


def cut(dice: Dice, data: bytes, *, most: int = 3) -> list[bytes]:
    """In pieces, as a network may bring it."""
    ends = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randrange(most + 1)))
    starts = [0, *ends]
    return [data[start:end] for start, end in zip(starts, [*ends, len(data)], strict=True) if end > start]
