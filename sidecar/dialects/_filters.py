"""Which events an endpoint gets: the rule that keeps one away, in words; "" where none does.

Law: pure. Globs are Go's, on names; ref patterns are fnmatch's, any of them on any ref.
"""

from functools import lru_cache

from sidecar.dialects.patterns import gomatch, refmatch
from sidecar.model import Endpoint, Event

SHOWN = 3
"""Refs that a rule names; a push may have thousands."""


def foreign(event: Event, endpoint: Endpoint) -> str:
    """An event reaches the endpoints of its own dialect only."""
    if event.dialect == endpoint.dialect:
        return ""
    return f"the endpoint's dialect is {endpoint.dialect}, the event's {event.dialect}"


@lru_cache(maxsize=4096)
def no_glob(globs: tuple[str, ...], *names: str) -> str:
    """None of the globs, where there are any, matches one of the event's names; the first is the one it goes by."""
    if not globs or any(gomatch(glob, name) for glob in globs for name in names):
        return ""
    return f"no glob of {','.join(globs)} matches {names[0]}"


def no_ref(patterns: tuple[str, ...], refs: tuple[str, ...], *, without: str) -> str:
    """None of the patterns, where there are any, matches a ref; `without` is what an event is that has none."""
    if not patterns or any(refmatch(pattern, ref) for pattern in patterns for ref in refs):
        return ""
    more = f" or {len(refs) - SHOWN} more" if len(refs) > SHOWN else ""
    return f"no ref pattern of {','.join(patterns)} matches {' '.join(refs[:SHOWN]) or without}{more}"
