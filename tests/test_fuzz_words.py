"""Words of others, whatever they are: Retry-After, globs, settings. No crash, no hang, and an answer that makes sense.

Law: pure functions, and settings with real files in a real folder.
"""

import asyncio
import fnmatch
from pathlib import Path

from fuzz_rig import Dice, fuzz, long, spoilt, words

from sidecar.dialects.patterns import check_glob, gomatch, refmatch
from sidecar.errors import Misconfigured
from sidecar.model import Dead, Delivered, Response, RetryAt
from sidecar.retry import LONGEST_WAIT, judge, told_to_wait
from sidecar.settings import describe, load
from sidecar.settings.known import FIELDS, NAMES

NOON = 1_800_000_000_000
DATES = (
    b"Wed, 21 Oct 2026 07:28:00 GMT",
    b"Wednesday, 21-Oct-26 07:28:00 GMT",
    b"Wed Oct 21 07:28:00 2026",
    b"Fri, 15 Jan 2027 08:00:30 +0130",
    b"31 Feb 2027 08:00:00",
    b"120",
    b"99999999999999999999",
)
DIGITS = "0123456789\u0660\u0967\u00b2\u2070 +-.,:"


@long
def test_any_retry_after_is_a_wait_of_at_most_a_day() -> None:
    def one(dice: Dice) -> None:
        spoilt_date = spoilt(dice, dice.choice(DATES)).decode("latin-1")
        header = dice.choice((spoilt_date, spoilt_date, words(dice, DIGITS, most=40)))
        status, wall = dice.choice((429, 503, 500, 200)), dice.randrange(2 * NOON)
        outcome = Response(status, b"", header)
        wait = told_to_wait(outcome, wall=wall)
        assert 0 <= wait <= (LONGEST_WAIT if status in (429, 503) else 0), header
        verdict = judge(outcome, tries=dice.randrange(6), schedule=(1,) * 5, now=wall, random=0.5)
        assert isinstance(verdict, Delivered | RetryAt | Dead)

    with asyncio.Runner() as runner:
        fuzz("Retry-After", one, runner)


GLOB = "ab*?[]^-\\/!\u00e9\U0001f600\ud800"


@long
def test_any_glob_matches_or_does_not() -> None:
    def one(dice: Dice) -> None:
        times = dice.choice((1,) * 30 + (10,) * 4 + (100,))
        pattern, name = words(dice, GLOB, most=16) * times, words(dice, GLOB, most=16) * times
        matches = gomatch(pattern, name)
        assert not (matches and check_glob(pattern)), "a bad pattern matches nothing"
        if not set(pattern) & set("*?[\\"):
            assert matches == (pattern == name)
        assert refmatch(pattern, name) == fnmatch.fnmatchcase(name, pattern)

    with asyncio.Runner() as runner:
        fuzz("globs and ref patterns", one, runner)


VALUES = (
    *("", "0", "-1", "1", "t", "off", "15s", "5m,2h", "1GiB", "127.0.0.1:0", "[::1]:80", "0660", "http://a/", "\u00e9"),
    *("https://u:p@ci.example/a?b#c", "http://[::1", "http://x:99999/", "cavage,standard", "whsec_!", "a=b\nc: d"),
)


def variables(dice: Dice, most: int) -> dict[str, str]:
    """Known names, those of a named endpoint, and now and then a mistyped one."""
    found = {}
    for _ in range(dice.randrange(most + 1)):
        name = dice.choice(NAMES) if dice.random() < 0.6 else f"SIDECAR_ENDPOINT_CI_{dice.choice(FIELDS)}"
        if dice.random() < 0.03:
            name = "SIDECAR_" + words(dice, "DRONE_WEBHOOK", most=20)
        found[name] = dice.choice(VALUES) if dice.random() < 0.7 else words(dice, "ab:/,.%0@ ", most=30)
    return {name.replace("\0", ""): text.replace("\0", "") for name, text in found.items()}


def faults_of(environ: dict[str, str], folder: Path) -> list[str]:
    """None where the settings are taken, and can be shown."""
    try:
        assert describe(load(environ, folder))
    except Misconfigured as wrong:
        return list(wrong.faults) or ["no fault is told"]
    return []


@long
def test_any_settings_are_taken_or_every_fault_is_told_on_a_line_of_its_own(tmp_path: Path) -> None:
    def one(dice: Dice) -> None:
        lines = "".join(f'{name}="{text}"\n' for name, text in variables(dice, 2).items())
        (tmp_path / ".env").write_bytes(spoilt(dice, lines.encode("utf-8", "surrogatepass")))
        faults = faults_of(variables(dice, 6), tmp_path)
        assert not [fault for fault in faults if "\n" in fault or ": " not in fault], faults

    with asyncio.Runner() as runner:
        fuzz("settings, and .env", one, runner)
