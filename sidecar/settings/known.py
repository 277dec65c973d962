"""Which variables we know, and what to say of those we do not.

Law: an unknown name under one of our prefixes is a fault with the nearest known name. What Kubernetes sets for a
Service that is named like us is ignored, and named in one line.
"""

import difflib
import re
from collections.abc import Iterator, Mapping

from sidecar.settings.families import ENDPOINT, FAMILIES, NAMED
from sidecar.settings.table import DELIVERY, LISTENERS, PROCESS, PROXIES, STORAGE, Setting

GROUPS = (
    *(family.group for family in FAMILIES.values()),
    ENDPOINT,
    PROCESS,
    DELIVERY,
    STORAGE,
    LISTENERS,
    PROXIES,
)

_PREFIXES = ("SIDECAR_", *(family.prefix for family in FAMILIES.values()))
_LINK = re.compile(
    r".+_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:ADDR|PORT|PROTO))?)"
)
_LONGEST = 120


def forms(setting: Setting) -> tuple[str, ...]:
    """The names of a row: itself, and its `_FILE` where it has one."""
    return (setting.name, f"{setting.name}_FILE") if setting.kind.file else (setting.name,)


FIELDS = tuple(form for setting in ENDPOINT.settings for form in forms(setting))
NAMES = tuple(
    form for group in GROUPS if group is not ENDPOINT for setting in group.settings for form in forms(setting)
)
_NAMED = re.compile(rf"{NAMED}(.+?)_(?:{'|'.join(FIELDS)})")


def endpoint_of(variable: str) -> str:
    """The `<NAME>` of a named endpoint's variable, "" where it is none."""
    found = _NAMED.fullmatch(variable)
    return found[1] if found and re.fullmatch("[A-Z0-9_]+", found[1]) else ""


def links(values: Mapping[str, str]) -> list[str]:
    """The variables under our prefixes that Kubernetes made for a Service, sorted."""
    return sorted(name for name in _strangers(values) if _is_link(name, values[name]))


def unknown(values: Mapping[str, str]) -> dict[str, str]:
    """By unknown variable under our prefixes: what is wrong with it and the nearest known name."""
    strangers = sorted(name for name in _strangers(values) if not _is_link(name, values[name]))
    return {name: f"unknown; write {_nearest(name)}, the nearest known name, or unset it" for name in strangers}


def _strangers(values: Mapping[str, str]) -> Iterator[str]:
    return (name for name in values if name.startswith(_PREFIXES) and name not in NAMES and not endpoint_of(name))


def _is_link(name: str, value: str) -> bool:
    if name.endswith("_PORT") and value.startswith(("tcp://", "udp://", "sctp://")):
        return True
    return bool(_LINK.fullmatch(name))


def _nearest(name: str) -> str:
    prefix = next(prefix for prefix in _PREFIXES if name.startswith(prefix))
    known = [known for known in NAMES if known.startswith(prefix)]
    if prefix == "SIDECAR_":
        known += _named_like(name)
    return difflib.get_close_matches(name[:_LONGEST], known, n=1, cutoff=0)[0]


def _named_like(name: str) -> list[str]:
    words = name.removeprefix(NAMED)[:_LONGEST].upper().split("_") if name.startswith(NAMED) else []
    # A field has three words at most, and a mistyped one perhaps one more.
    owners = ["_".join(words[:place]) for place in range(max(1, len(words) - 4), len(words))]
    owners = [owner for owner in owners if re.fullmatch("[A-Z0-9_]+", owner)] or ["<NAME>"]
    return [f"{NAMED}{owner}_{field}" for owner in owners for field in FIELDS]
