"""Our own library for receivers agrees with verifiers/vectors.json. Law: the vectors say what is right, as they do to
the verifiers of every language; our steps are theirs, told in fewer words."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from sidecar import receiver, signing
from sidecar.signing import InvalidSignature

Case = dict[str, Any]
CASES: list[Case] = json.loads((Path(__file__).parent.parent / "verifiers" / "vectors.json").read_bytes())
REFUSED = [case for case in CASES if case["expect"] != "ok"]

STEPS = {
    "ok": "ok",
    "missing-signature": "cavage",
    "malformed-signature": "cavage",
    "unknown-algorithm": "cavage",
    "digest-not-signed": "cavage",
    "missing-header": "cavage",
    "duplicate-header": "cavage",
    "wrong-signature": "cavage",
    "wrong-digest": "digest",
    "malformed-date": "date",
    "stale-date": "date",
}
"""The vectors' word for a failure, and our step."""


def joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """A header that came twice is one, with a comma: WSGI's way."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name.upper()] = f"{found[name.upper()]}, {value}" if name.upper() in found else value
    return found


MAPPINGS: dict[str, Callable[[list[tuple[str, str]]], Mapping[str, str]]] = {"aiohttp": CIMultiDict, "joined": joined}


def cavage(case: Case, mapping: str) -> str:
    """The step that failed, or ok."""
    headers, body = MAPPINGS[mapping](case["headers"]), base64.b64decode(case["body_base64"])
    keys, now, tolerance = [key.encode() for key in case["secrets"]], case["now"] * 1000, case["tolerance"] * 1000
    try:
        signing.verify_cavage(headers, body, keys, now=now, tolerance=tolerance)
    except InvalidSignature as fault:
        return fault.step
    return "ok"


def named(case: Case) -> str:
    return str(case["name"])


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("case", CASES, ids=named)
def test_cavage_is_right_or_refused_at_the_step_that_the_vector_tells(case: Case, mapping: str) -> None:
    assert cavage(case, mapping) == STEPS[case["expect"]]


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_what_a_vector_refuses_never_becomes_an_event(case: Case, mapping: str) -> None:
    """No secret, or an empty one, is a ValueError: the receiver's own mistake."""
    headers, body = MAPPINGS[mapping](case["headers"]), base64.b64decode(case["body_base64"])
    now, tolerance = case["now"] * 1000, case["tolerance"] * 1000
    with pytest.raises(InvalidSignature if all(case["secrets"] or [""]) else ValueError):
        receiver.verify(headers, body, case["secrets"], now=now, tolerance=tolerance)
