"""The settings of a running process, read again: what changed, what of it counts at once, and what must wait.

Law: `RELOADED` says what can change while the process runs, and nothing else does. All of the settings must hold, or
nothing changes. An endpoint that is to go elsewhere is left as it is, secrets too: where it goes now, they would be
wrong.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sidecar.model import Endpoint, Secret
from sidecar.settings.families import ENDPOINT, FAMILIES, NAMED
from sidecar.settings.known import GROUPS, endpoint_of, forms
from sidecar.settings.load import settled
from sidecar.settings.record import Settings
from sidecar.settings.source import Source
from sidecar.settings.table import LISTENERS, Setting

RELOADED = ("secrets", "signing_keys", "signatures", "events", "refs", "headers")
"""Fields of an endpoint that are taken over while the process runs; of headers the values, not the names."""

RELAY = "relay_secrets"
"""And what a Drone server that posts to us must have signed with."""

ROWS = {
    form: setting for group in GROUPS if group is not ENDPOINT for setting in group.settings for form in forms(setting)
}
NAMED_ROWS = {form: setting for setting in ENDPOINT.settings for form in forms(setting)}


class Values:
    """Variables and their texts, which no repr shows."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts


class Change(Struct, frozen=True):
    """What reading again brought.

    Attributes:
        endpoints: all that run, as they are from now on.
        relay_secrets: what a Drone server must have signed with; `relayed`: they differ.
        changed: by endpoint, the fields that differ.
        pending: variables that differ, and count from the next start on.
        warnings: those that were not there before.
        values: by variable, what counts once this is taken.
    """

    endpoints: tuple[Endpoint, ...]
    relay_secrets: tuple[Secret, ...]
    relayed: bool
    changed: Mapping[str, tuple[str, ...]]
    pending: tuple[str, ...]
    warnings: tuple[str, ...]
    values: Values


class Configuration:
    """The environment and `.env` of one process, in `folder`. `settings` are those it started with. Raises
    `Misconfigured`."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        source = Source(environ, folder)
        self.settings = settled(source)
        self._warnings = self.settings.warnings
        self._running = self.settings.endpoints
        self._relay = self.settings.relay_secrets
        self._values: Mapping[str, str] = source.values

    def again(self) -> Change:
        """What has changed. Nothing does by it, until it is `taken`. Raises `Misconfigured`."""
        source = Source(self._environ, self._folder)
        settings = settled(source)
        new = {one.name: one for one in settings.endpoints}
        endpoints = tuple([_merged(one, new.get(one.name)) for one in self._running])
        differing = sorted(
            name
            for name in {*self._values, *source.values}
            if self._values.get(name) != source.values.get(name) and _row(name)
        )
        pending = [name for name in differing if not self._counts(name, new)]
        pending += _unread(self.settings, settings, source)
        kept = {name: self._values[name] for name in pending if name in self._values}
        return Change(
            endpoints=endpoints,
            relay_secrets=settings.relay_secrets,
            relayed=settings.relay_secrets != self._relay,
            changed={
                one.name: fields
                for before, one in zip(self._running, endpoints, strict=True)
                if (fields := tuple(name for name in RELOADED if getattr(before, name) != getattr(one, name)))
            },
            pending=tuple(dict.fromkeys(pending)),
            warnings=tuple(line for line in settings.warnings if line not in self._warnings),
            values=Values({name: text for name, text in source.values.items() if name not in pending} | kept),
        )

    def taken(self, change: Change) -> None:
        """The change counts: the next one is told from here."""
        self._running, self._values = change.endpoints, change.values.texts
        self._relay = change.relay_secrets

    def _counts(self, variable: str, new: Mapping[str, Endpoint]) -> bool:
        """Whether a change of the variable was taken over."""
        row = _row(variable)
        if row is None or row.field not in (*RELOADED, RELAY):
            return False
        if not (owner := endpoint_of(variable)):
            return True
        name = owner.lower().replace("_", "-")
        running = next((one for one in self._running if one.name == name), None)
        if running is None or not _stays(running, new.get(name)):
            return False
        return row.field != "headers" or _names(running) == _names(new[name])


def _row(variable: str) -> Setting | None:
    owner = endpoint_of(variable)
    return NAMED_ROWS[variable.removeprefix(f"{NAMED}{owner}_")] if owner else ROWS.get(variable)


def _stays(before: Endpoint, after: Endpoint | None) -> bool:
    return after is not None and (before.url, before.dialect) == (after.url, after.dialect)


def _names(endpoint: Endpoint) -> list[str]:
    return [name.lower() for name, _ in endpoint.headers]


def _merged(before: Endpoint, after: Endpoint | None) -> Endpoint:
    if after is None or not _stays(before, after):
        return before
    headers = after.headers if _names(after) == _names(before) else before.headers
    return replace(before, **{**{name: getattr(after, name) for name in RELOADED}, "headers": headers})


def _unread(before: Settings, after: Settings, source: Source) -> list[str]:
    """Listeners' secrets whose files hold another than at the start."""
    return [
        name
        for row in LISTENERS.settings
        if row.kind.file and row.field != RELAY and getattr(before, row.field) != getattr(after, row.field)
        for name in source.given(row) or (row.name,)
    ]


def reloaded() -> list[str]:
    """The variables that are taken over while the process runs, as the reference page names them."""
    groups = [*(family.group for family in FAMILIES.values()), ENDPOINT, LISTENERS]
    return [
        f"{group.prefix}{row.name}" for group in groups for row in group.settings if row.field in (*RELOADED, RELAY)
    ]
