"""The two forms of a stream's answer: all of it while it runs, or what went wrong once it is over.

Law: pure. A form is told the outcomes of each batch and says which bytes to send now; what it keeps has a bound.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct, json

from sidecar.api.intake import Answer
from sidecar.errors import Problem
from sidecar.web.problems import Document, document

FAULTS = 1000
"""Faults told in the minimal form."""

Outcome = Answer | Problem
encode_lines = json.Encoder().encode_lines


class Form(Protocol):
    """How a stream is answered; `headers` go with it."""

    headers: Mapping[str, str]

    def tell(self, outcomes: Iterable[tuple[int, Outcome]]) -> bytes:
        """What to send once these lines, numbered from 1, have their outcomes."""
        ...

    def end(self) -> bytes:
        """What to send after the last of them."""
        ...


class Refused(Struct, gc=False):
    """A line at fault, in the full form."""

    error: Document


class Numbered(Struct, gc=False):
    """A line at fault, in the minimal form."""

    line: int
    error: Document


class Totals(Struct, gc=False):
    """Lines by what became of them; blank lines are none."""

    accepted: int = 0
    duplicates: int = 0
    refused: int = 0


class Full:
    """A line for each line, in order."""

    headers: Mapping[str, str] = {}

    def tell(self, outcomes: Iterable[tuple[int, Outcome]]) -> bytes:
        return encode_lines([one if isinstance(one, Answer) else Refused(document(one)) for _, one in outcomes])

    def end(self) -> bytes:
        return b""


class Minimal:
    """The lines at fault, the first `FAULTS` of them, and the totals; all after the last line."""

    headers: Mapping[str, str] = {"Preference-Applied": "return=minimal"}

    def __init__(self) -> None:
        self._faults: list[Numbered] = []
        self._totals = Totals()

    def tell(self, outcomes: Iterable[tuple[int, Outcome]]) -> bytes:
        totals = self._totals
        for number, one in outcomes:
            if isinstance(one, Problem):
                totals.refused += 1
                if len(self._faults) < FAULTS:
                    self._faults.append(Numbered(number, document(one)))
            elif one.duplicate:
                totals.duplicates += 1
            else:
                totals.accepted += 1
        return b""

    def end(self) -> bytes:
        return encode_lines([*self._faults, self._totals])
