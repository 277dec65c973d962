"""The endpoints: those of the families' lists and the named ones, checked, and called by their names.

Law: a dialect that signs is never sent to without a secret, and no two endpoints share a name. Those of a dialect that
nobody speaks yet are checked like the others; they count for names, so that none changes when the dialect comes.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sidecar.model import Endpoint
from sidecar.settings.families import ENDPOINT, FAMILIES, NAMED
from sidecar.settings.known import endpoint_of
from sidecar.settings.schemes import BY_KEY, key_fault, url_fault
from sidecar.settings.source import Source
from sidecar.settings.table import Group
from sidecar.settings.urls import has_user_info, names, sendable

Fields = dict[str, Any]
"""Values of a table's rows, by field."""

_DRONE_KEY = 32


class Draft(Struct, frozen=True):
    """An endpoint to be; `prefix` is that of its variables, "" for one of a family's list; `fields` are of its own."""

    prefix: str
    name: str
    dialect: str
    url: str
    fields: Fields

    @property
    def variable(self) -> str:
        """The variable that makes it."""
        return f"{self.prefix}URL" if self.prefix else f"{FAMILIES[self.dialect].prefix}ENDPOINT"

    def finish(self, shared: Fields) -> Endpoint:
        """The endpoint, with `shared` where it has no value of its own."""
        fields = {**shared, **self.fields}
        if self.dialect != "drone":
            fields["signatures"] = ()
        return Endpoint(name=self.name, dialect=self.dialect, url=sendable(self.url), **fields)


def drafts(source: Source, families: Mapping[str, Fields]) -> list[Draft]:
    """All endpoints, the families' in the order written, then the named ones by name; faults go to the source."""
    found = [*_listed(source, families), *_named(source)]
    first: dict[str, str] = {}
    for draft in found:
        if draft.name in first:
            other = first[draft.name]
            way_out = f"name it otherwise, with {NAMED}<NAME>_URL"
            source.fault(draft.variable, f"the name {draft.name} is that of an endpoint of {other} too; {way_out}")
        first.setdefault(draft.name, draft.variable)
        if "rfc9421" in draft.fields.get("signatures", ()) and (reason := url_fault(draft.url)):
            source.fault(draft.variable, reason)
    return found


def named(source: Source) -> list[str]:
    """The `<NAME>` of each named endpoint that has a variable set, sorted."""
    return sorted(
        {name for variable, value in source.values.items() if value.strip() and (name := endpoint_of(variable))}
    )


def _listed(source: Source, families: Mapping[str, Fields]) -> list[Draft]:
    listed = [(dialect, url) for dialect, fields in families.items() for url in fields.get("urls", ())]
    for dialect, family in FAMILIES.items():
        wanted = "urls" in families[dialect] or f"{family.prefix}ENDPOINT" in source.failed
        _check_secrets(source, dialect, families[dialect], family.group, wanted=wanted)
    return [
        Draft("", name, dialect, url, _own(families[dialect]))
        for (dialect, url), name in zip(listed, names(listed), strict=True)
    ]


def _named(source: Source) -> list[Draft]:
    found = []
    for name in named(source):
        prefix = f"{NAMED}{name}_"
        fields = source.take(ENDPOINT.settings, prefix)
        if f"{prefix}DIALECT" not in source.failed:
            _check_named(source, prefix, fields)
        if "url" in fields:
            shown = name.lower().replace("_", "-")
            found.append(Draft(prefix, shown, fields["dialect"], fields["url"], _own(fields)))
    return found


def _check_named(source: Source, prefix: str, fields: Fields) -> None:
    dialect = fields["dialect"]
    schemes = set(fields.get("signatures", ("cavage", "standard")))
    by_key = dialect == "drone" and "signing_keys" in fields and schemes <= BY_KEY
    _check_secrets(source, dialect, fields, ENDPOINT, prefix, wanted=not by_key)
    if dialect != "drone":
        for field, variable in (("signatures", "SIGNATURES"), ("signing_keys", "SIGNING_KEY_FILE")):
            if field in fields:
                source.fault(f"{prefix}{variable}", f"set, and the dialect {dialect} has its own signature; unset it")
    elif "signing_keys" in fields and not schemes & BY_KEY:
        way_out = f"add rfc9421 or standard to {prefix}SIGNATURES, or unset it"
        source.fault(f"{prefix}SIGNING_KEY_FILE", f"set, and no scheme of this endpoint signs by a key; {way_out}")
    if "url" not in fields:
        if f"{prefix}URL" not in source.failed:
            source.fault(f"{prefix}URL", "missing, and others of this endpoint are set; write where its events go")
    elif has_user_info(fields["url"]) and any(name.lower() == "authorization" for name, _ in fields.get("headers", ())):
        source.fault(f"{prefix}HEADERS", "sets Authorization, and so does the URL's user-info; leave out one of them")


def _check_secrets(
    source: Source, dialect: str, fields: Fields, group: Group, prefix: str = "", *, wanted: bool
) -> None:
    setting = next(setting for setting in group.settings if setting.field == "secrets")
    key = f"{prefix}{setting.name}"
    given = source.given(setting, prefix)
    if wanted and not given and FAMILIES[dialect].keyed:
        source.fault(key, f"missing, and the dialect {dialect} signs what it sends; set it, or {key}_FILE")
    if dialect != "drone":
        return
    for number, secret in enumerate(fields.get("secrets", ()), 1):
        which = f"secret {number}" if len(fields["secrets"]) > 1 else "the secret"
        if len(secret.reveal()) != _DRONE_KEY:
            way_out = "make one with `openssl rand -hex 16`"
            source.warnings.append(f"{given[0]}: {which} is not {_DRONE_KEY} bytes long, as Drone's are; {way_out}")
        if "standard" in fields.get("signatures", ("standard",)) and (reason := key_fault(secret)):
            source.fault(given[0], f"{which} {reason}")


def _own(fields: Fields) -> Fields:
    elsewhere = ("url", "dialect")
    return {name: fields[name] for name in Endpoint.__struct_fields__ if name in fields and name not in elsewhere}
