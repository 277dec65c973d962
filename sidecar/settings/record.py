"""The settings as the application has them, and as a person may see them.

Law: no repr and no description shows a secret, or an endpoint's or proxy's user-info and query.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, structs

from sidecar.model import Endpoint, Instance, Secret
from sidecar.settings.urls import shown_proxy
from sidecar.settings.values import Network, shown_duration, shown_size


class Proxies(Struct, frozen=True):
    """The ways out: URLs, which may hold user-info, "" for none; and what is reached without them."""

    http: str = ""
    https: str = ""
    no_proxy: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Proxies({shown_proxy(self.http)!r}, {shown_proxy(self.https)!r}, {self.no_proxy!r})"


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that a user can set; spans in ms, sizes in bytes.

    Attributes:
        endpoints: of the dialects that are spoken.
        schedule: the waits between attempts.
        log_format: `json`, `console`, or "": by the terminal.
        listen, admin_listen: `host:port`, "" for off.
        relay_secrets: newest first.
        admin_hosts: in lower case, IPv6 without brackets.
        warnings: allowed, and most likely not meant; a line each.
        notices: what was passed over, a line each.
    """

    endpoints: tuple[Endpoint, ...]
    instance: Instance
    socket: str
    socket_mode: int
    data_dir: str
    outbox: str
    timeout: int
    concurrency: int
    schedule: tuple[int, ...]
    max_age: int
    order: str
    order_hold: int
    max_event_size: int
    max_outbox_size: int
    retention: int
    drain_timeout: int
    log_format: str = ""
    log_level: str
    blocked_networks: tuple[Network, ...]
    proxies: Proxies
    listen: str = ""
    relay_secrets: tuple[Secret, ...] = ()
    admin_listen: str
    admin_token: Secret | None = None
    admin_hosts: tuple[str, ...]
    require_forge_signature: bool
    warnings: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


def describe(settings: Settings) -> dict[str, object]:
    """The settings as plain data to show: secrets counted, URLs without user-info and query, spans in units."""
    return _described(settings)


def _described(record: Struct) -> dict[str, object]:
    values = structs.asdict(record)
    return {field: _SHOWN.get(field, _plain)(value) for field, value in values.items()}


def _endpoint(endpoint: Endpoint) -> dict[str, object]:
    return {**_described(endpoint), "url": endpoint.shown_url}


def _plain(value: Any) -> object:
    return list(value) if isinstance(value, tuple) else value


def _counted(found: tuple[Secret, ...] | Secret | None) -> str:
    count = len(found) if isinstance(found, tuple) else int(found is not None)
    return {0: "no secret", 1: "1 secret"}.get(count, f"{count} secrets")


_SHOWN: Mapping[str, Callable[[Any], object]] = {
    "endpoints": lambda endpoints: [_endpoint(endpoint) for endpoint in endpoints],
    "instance": _described,
    "proxies": _described,
    "http": shown_proxy,
    "https": shown_proxy,
    "secrets": _counted,
    "relay_secrets": _counted,
    "admin_token": _counted,
    "signing_keys": lambda found: _counted(found).replace("secret", "key"),
    "headers": lambda headers: [name for name, _ in headers],
    "socket_mode": lambda mode: f"{mode:04o}",
    "schedule": lambda waits: [shown_duration(wait) for wait in waits],
    "blocked_networks": lambda networks: [str(network) for network in networks],
    "rate": lambda rate: f"{rate:g}/s" if rate else "no limit",
    **dict.fromkeys(("timeout", "max_age", "order_hold", "retention", "drain_timeout"), shown_duration),
    **dict.fromkeys(("max_event_size", "max_outbox_size"), shown_size),
}
"""By field, how it is shown; the others are plain."""
