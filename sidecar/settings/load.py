"""From variables to settings.

Law: all faults at once, or settings that hold. Nothing here is read twice, and nothing else reads the environment.
"""

import ipaddress
import os
from collections.abc import Collection, Mapping
from pathlib import Path

import sidecar
from sidecar.dialects import DIALECTS
from sidecar.errors import Misconfigured
from sidecar.model import Instance
from sidecar.settings.endpoints import Draft, Fields, drafts
from sidecar.settings.families import ENDPOINT, FAMILIES
from sidecar.settings.known import GROUPS, links, unknown
from sidecar.settings.record import Proxies, Settings
from sidecar.settings.source import Source
from sidecar.settings.table import DELIVERY, LISTENERS, PROCESS, PROXIES, STORAGE
from sidecar.settings.values import shown_size, split_address

_LONGEST_SOCKET = 107  # sun_path of Linux has 108 bytes, the last of them 0: unix(7)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def load(environ: Mapping[str, str], directory: Path, *, spoken: Collection[str] = DIALECTS) -> Settings:
    """The settings of a process started in `directory`, whose `.env` fills in what `environ` has not.

    `spoken` names the dialects that exist. Raises `Misconfigured` with a line for every fault.
    """
    return settled(Source(environ, directory), spoken)


def settled(source: Source, spoken: Collection[str] = DIALECTS) -> Settings:
    """The settings of a source."""
    for name, reason in unknown(source.values).items():
        source.fault(name, reason)
    families = {dialect: source.take(family.group.settings) for dialect, family in FAMILIES.items()}
    found = drafts(source, families)
    fields: Fields = {}
    for group in (PROCESS, DELIVERY, STORAGE, LISTENERS):
        fields |= source.take(group.settings)
    fields["proxies"] = Proxies(**source.take(PROXIES.settings))
    fields.setdefault("socket", str(Path(fields["data_dir"]) / "sidecar.sock"))
    fields.setdefault("relay_secrets", families["drone"].get("secrets", ()))
    fields.setdefault("admin_hosts", _admin_hosts(fields["admin_listen"]))
    _check(source, fields)
    if source.faults:
        raise Misconfigured([_line(fault) for fault in source.faults])
    shared = {name: fields[name] for name in ("timeout", "concurrency")}
    return Settings(
        endpoints=tuple(draft.finish(shared) for draft in found if draft.dialect in spoken),
        instance=_instance(families),
        warnings=tuple(_line(warning) for warning in (*source.warnings, *_warnings(source, found, spoken))),
        notices=tuple(_line(notice) for notice in _notices(source)),
        **fields,
    )


def _instance(families: Mapping[str, Fields]) -> Instance:
    known = Instance.__struct_fields__
    fields = {name: value for family in families.values() for name, value in family.items() if name in known}
    return Instance(version=sidecar.__version__, **fields)


def _admin_hosts(listen: str) -> tuple[str, ...]:
    host, _ = split_address(listen)
    return tuple(dict.fromkeys((*_LOOPBACK, host.lower()))) if host else _LOOPBACK


def _check(source: Source, fields: Fields) -> None:
    """The faults of settings that do not go together."""
    if (length := len(os.fsencode(fields["socket"]))) > _LONGEST_SOCKET:
        what = f"the path has {length} bytes, and a socket's may have {_LONGEST_SOCKET}"
        source.fault("SIDECAR_SOCKET", f"{what}; set it to a shorter one")
    if fields["max_outbox_size"] < fields["max_event_size"]:
        event = shown_size(fields["max_event_size"])
        source.fault("SIDECAR_MAX_OUTBOX_SIZE", f"less than one event of SIDECAR_MAX_EVENT_SIZE; write {event} or more")
    listen = fields["admin_listen"]
    tokens = {"SIDECAR_ADMIN_TOKEN", "SIDECAR_ADMIN_TOKEN_FILE"}
    if listen and "admin_token" not in fields and not _is_loopback(listen) and not tokens & source.failed:
        way_out = "set SIDECAR_ADMIN_TOKEN or SIDECAR_ADMIN_TOKEN_FILE, or listen on 127.0.0.1"
        source.fault("SIDECAR_ADMIN_LISTEN", f"{listen!r} is not loopback, and there is no token; {way_out}")


def _is_loopback(listen: str) -> bool:
    host, _ = split_address(listen)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _warnings(source: Source, found: list[Draft], spoken: Collection[str]) -> list[str]:
    warnings = []
    if not any(draft.dialect in spoken for draft in found):
        warnings.append("no endpoint is configured: events are delivered to nobody; set DRONE_WEBHOOK_ENDPOINT")
    if idle := _idle(source, found, spoken):
        warnings.append(f"without effect in this version: {', '.join(idle)}; unset them, or wait for a later one")
    return warnings


def _idle(source: Source, found: list[Draft], spoken: Collection[str]) -> list[str]:
    """The variables that the user set and nothing comes of yet."""
    rows = [(row, "", group.dialect) for group in GROUPS if group is not ENDPOINT for row in group.settings]
    rows += [(row, draft.prefix, draft.dialect) for draft in found if draft.prefix for row in ENDPOINT.settings]
    return [
        name
        for row, prefix, dialect in rows
        if not row.effective or (dialect and dialect not in spoken)
        for name in source.given(row, prefix)
    ]


def _notices(source: Source) -> list[str]:
    if not (found := links(source.values)):
        return []
    way_out = "`enableServiceLinks: false` in the pod's spec keeps them away"
    return [f"ignored, as Kubernetes sets them for a Service named like us: {', '.join(found)}; {way_out}"]


def _line(text: str) -> str:
    """The text on one line that any terminal can show, whatever a variable's name holds."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
