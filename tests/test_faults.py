"""Every fault of `make faults`, a few rounds of each; and that what judges them can find fault.

Law: the rigs are those of faults/; a row is kept or not by what callers and receivers saw. Kills are in test_crash.py.
"""

import pytest
from msgspec.structs import replace

from faults import kills, power
from faults.__main__ import ROWS
from faults.ledger import Ledger, Named
from sidecar.outboxes.sqlite import files

ROUNDS = 6


@pytest.mark.parametrize("fault", [name for name in ROWS if not name.startswith("kill")])
async def test_what_was_acknowledged_comes_in_order_over(fault: str) -> None:
    run, share = ROWS[fault]
    verdict = await run(share(ROUNDS), 7)
    assert verdict.kept, verdict
    assert verdict.acknowledged > 0


@pytest.mark.parametrize(
    ("fault", "seen_by"), [("forgets", "lost"), ("repeats", "too_often"), ("overtakes", "out_of_order")]
)
async def test_a_sidecar_that_does_not_keep_its_promise_is_found_out(
    fault: str, seen_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that forgets an event in five, repeats a delivery in five, or lets the newest go first."""
    monkeypatch.setattr(kills, "PATIENCE", 2.0)
    verdict = await kills.run(2, 1, "-m", "faults.sabotage", fault)
    assert getattr(verdict, seen_by) > 0, verdict
    assert not verdict.kept


@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
async def test_an_outbox_that_does_not_fsync_is_found_out(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    less = replace(files.SCHEMA, pragmas=(*files.SCHEMA.pragmas, f"PRAGMA synchronous = {level}"))
    monkeypatch.setattr(files, "SCHEMA", less)
    verdict = await power.run(10, 1, "cut")
    assert verdict.lost > 0, verdict


@pytest.fixture
def ledger() -> Ledger:
    """Two events of one subject, for two endpoints; both were answered 202."""
    made = Ledger(("x", "y"), concurrency=1)
    for number in (1, 2):
        made.posted.add(Named("s", number))
        made.promised(Named("s", number))
    return made


def come(ledger: Ledger, *numbers: int, endpoint: str = "x") -> None:
    for number in numbers:
        ledger.came(endpoint, Named("s", number))
        ledger.taken(endpoint, Named("s", number))


def test_each_endpoint_is_owed_every_event_by_itself(ledger: Ledger) -> None:
    come(ledger, 1, 2)
    assert ledger.verdict().lost == ledger.missing == 2
    come(ledger, 1, 2, endpoint="y")
    assert ledger.verdict().lost == 0
    assert ledger.verdict().kept


def test_what_comes_before_it_is_acknowledged_counts_too(ledger: Ledger) -> None:
    come(ledger, 1, 2, 3)
    come(ledger, 1, 2, 3, endpoint="y")
    assert ledger.verdict().strange == 2, "nobody posted the third"
    ledger.promised(Named("s", 3))
    assert ledger.missing == 0


def test_a_request_for_an_earlier_event_than_the_last_is_out_of_order_whatever_was_answered(ledger: Ledger) -> None:
    ledger.came("x", Named("s", 2))
    ledger.came("x", Named("s", 1))
    ledger.came("y", Named("s", 1))
    assert ledger.verdict().out_of_order == 1


def test_what_comes_twice_is_counted_and_forgiven_as_often_as_it_crashed(ledger: Ledger) -> None:
    come(ledger, 1, 1, 2)
    come(ledger, 1, 2, 2, endpoint="y")
    assert (ledger.verdict().duplicated, ledger.verdict().too_often) == (2, 2)
    ledger.crashes = 1
    assert (ledger.verdict().too_often, ledger.verdict().kept) == (0, True)


def test_another_body_than_was_posted_is_noticed(ledger: Ledger) -> None:
    ledger.came("x", Named("s", 1), whole=False)
    assert ledger.verdict().strange == 1
