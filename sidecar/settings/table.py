"""What a row of the settings' tables is, and the rows of `SIDECAR_*` and of the proxies.

Law: a variable is one row, here or in families.py, and nowhere else: parsing, `.env.example`, the reference page and
the nearest known name all come of it. A row becomes effective by leaving out `effective=False`.
"""

from msgspec import Struct

from sidecar.settings.files import PATH, SECRET, TOKEN
from sidecar.settings.urls import PROXY
from sidecar.settings.values import (
    ADDRESS,
    BOOLEAN,
    ENGINE,
    HOSTS,
    MODE,
    NETWORKS,
    NO_PROXY,
    SCHEDULE,
    Kind,
    choice,
    duration,
    number,
    size,
)


class Setting(Struct, frozen=True):
    """One variable.

    Attributes:
        name: whole; of a named endpoint, what follows `SIDECAR_ENDPOINT_<NAME>_`.
        field: of the record that it fills (`Settings`, `Endpoint`, `Instance`, `Proxies`).
        default: as a user would write it; "" where there is none.
        help: for the reference page and `.env.example`.
        shown: the default in words, where `default` does not tell it.
        sample: a value for `.env.example`, where there is no default.
        effective: False: accepted and checked, and nothing comes of it yet.
        empty: an empty value is a value; elsewhere it is as good as unset.
        lower: the name in lower case will do too.
    """

    name: str
    field: str
    kind: Kind
    default: str
    help: str
    shown: str = ""
    sample: str = ""
    effective: bool = True
    empty: bool = False
    lower: bool = False


class Group(Struct, frozen=True):
    """Settings that belong together.

    Attributes:
        about: what to know before the rows.
        prefix: of the rows' names, as a reader sees it.
        dialect: the rows are without effect where it is not spoken.
    """

    title: str
    settings: tuple[Setting, ...]
    about: str = ""
    prefix: str = ""
    dialect: str = ""


# Addresses that hand out a machine's own credentials to whoever asks from it: no delivery may reach them.
METADATA = (
    "169.254.0.0/16",  # link-local (RFC 3927): the metadata service of AWS, Azure, Google Cloud, OpenStack and others
    "fe80::/10",  # link-local (RFC 4291): whatever sits on the same wire
    "fd00:ec2::254/128",  # the metadata service of AWS over IPv6: a unique local address, not link-local
    "100.100.100.200/32",  # the metadata service of Alibaba Cloud, in the shared address space (RFC 6598)
    "192.0.0.192/32",  # the metadata service of Oracle Cloud Classic, in the protocol assignments (RFC 6890)
)

TIMEOUT = duration("100ms", "10m")
CONCURRENCY = number(1, 1000)

# A table is read in rows, not one cell a line:
# fmt: off
PROCESS = Group("The process", (
    Setting("SIDECAR_DATA_DIR", "data_dir", PATH, "./data",
            "The outbox and all other state."),
    Setting("SIDECAR_OUTBOX", "outbox", ENGINE, "sqlite",
            "The outbox's engine."),
    Setting("SIDECAR_SOCKET", "socket", PATH, "",
            "The local socket; its path may have 107 bytes.",
            shown="`<data dir>/sidecar.sock`", sample="/run/sidecar/sidecar.sock"),
    Setting("SIDECAR_SOCKET_MODE", "socket_mode", MODE, "0660",
            "The socket's mode; set before anyone can connect."),
    Setting("SIDECAR_DRAIN_TIMEOUT", "drain_timeout", duration("0s", "1h"), "20s",
            "On SIGTERM: take no more events, finish what is in flight and what is due now, at most so long."),
    Setting("SIDECAR_LOG_FORMAT", "log_format", choice("json", "console"), "",
            "How log lines are written, to standard output.",
            shown="`json`, `console` on a terminal", sample="json"),
    Setting("SIDECAR_LOG_LEVEL", "log_level", choice("debug", "info", "warning", "error"), "info",
            "What is logged: this and worse."),
))

DELIVERY = Group("Delivery", (
    Setting("SIDECAR_TIMEOUT", "timeout", TIMEOUT, "15s",
            "One attempt, whole: connect to last byte of the answer."),
    Setting("SIDECAR_CONCURRENCY", "concurrency", CONCURRENCY, "16",
            "Attempts in flight for one endpoint."),
    Setting("SIDECAR_RETRY_SCHEDULE", "schedule", SCHEDULE, "5s,5m,30m,2h,5h,10h,14h,20h,24h",
            "The waits between attempts (Standard Webhooks); each ±20 %. At most 50, each up to `7d`."),
    Setting("SIDECAR_MAX_AGE", "max_age", duration("1s", "365d"), "4d",
            "An undelivered delivery older than this is dead, reason `expired` "
            "(for a paused or orphaned endpoint: the retention)."),
    Setting("SIDECAR_ORDER", "order", choice("subject", "none"), "subject",
            "`subject`: events of one subject reach one endpoint in the order they were accepted, never two at once."),
    Setting("SIDECAR_ORDER_HOLD", "order_hold", duration("100ms", "7d"), "10m",
            "How long a failing subject may hold back its own later events."),
    Setting("SIDECAR_BLOCKED_NETWORKS", "blocked_networks", NETWORKS, ",".join(METADATA),
            "CIDRs no delivery may connect to, checked on the address connected to; empty: none. Behind a proxy the "
            "endpoint's name is resolved and checked here first; what the proxy resolves it to, and a name that is "
            "unknown here, only the proxy can check.",
            shown="link-local and cloud metadata", empty=True),
))

STORAGE = Group("Storage", (
    Setting("SIDECAR_MAX_EVENT_SIZE", "max_event_size", size("1KiB", "64MiB"), "1MiB",
            "Larger is refused with 413."),
    Setting("SIDECAR_MAX_OUTBOX_SIZE", "max_outbox_size", size("64KiB", "16TiB"), "1GiB",
            "What is owed (not the file's length) above it: new events are refused with 503."),
    Setting("SIDECAR_RETENTION", "retention", duration("1s", "3650d"), "30d",
            "How long finished deliveries stay in the log; less where the outbox reaches 80 % of its size: "
            "the oldest finished go first."),
))

LISTENERS = Group("Listeners", (
    Setting("SIDECAR_LISTEN", "listen", ADDRESS, "",
            "For what other machines post to us (forges, Drone).",
            shown="`off`", sample="0.0.0.0:8485"),
    Setting("SIDECAR_RELAY_SECRET", "relay_secrets", SECRET, "",
            "What a Drone server posting to us must have signed with.",
            shown="`DRONE_WEBHOOK_SECRET`", sample="00112233445566778899aabbccddeeff"),
    Setting("SIDECAR_REQUIRE_FORGE_SIGNATURE", "require_forge_signature", BOOLEAN, "false",
            "Refuse what a forge posts without a signature, or with one that cannot be judged."),
    Setting("SIDECAR_ADMIN_LISTEN", "admin_listen", ADDRESS, "127.0.0.1:8484",
            "For the status page, metrics and health; `off` turns it off."),
    Setting("SIDECAR_ADMIN_TOKEN", "admin_token", TOKEN, "",
            "Needed for any change over TCP. Off loopback it must be set, and every request needs it but `/healthz`, "
            "`/readyz`, `/metrics` and `/.well-known/jwks.json`.",
            sample="a-long-random-token"),
    Setting("SIDECAR_ADMIN_HOSTS", "admin_hosts", HOSTS, "",
            "Host names the admin listener answers to (a proxy's, say). `0.0.0.0` stands for every IPv4 address, `::` "
            "for every address.",
            shown="loopback names and the listen address", sample="localhost,sidecar.example"),
))

PROXIES = Group("Proxies", (
    Setting("HTTPS_PROXY", "https", PROXY, "",
            "The way to `https://` endpoints.",
            sample="http://proxy.example:3128", lower=True),
    Setting("HTTP_PROXY", "http", PROXY, "",
            "The way to `http://` endpoints.",
            sample="http://proxy.example:3128", lower=True),
    Setting("NO_PROXY", "no_proxy", NO_PROXY, "",
            "Hosts, domains, addresses and CIDRs that are reached without a proxy; `*` is all.",
            sample="localhost,.internal.example", lower=True),
), about="As other programs read them; the name in lower case will do where the other is not set.")
# fmt: on
