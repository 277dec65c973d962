"""The rows of the endpoints: a family of variables for each outbound dialect, and the named endpoints.

Law: a dialect's family is one group and one line of `FAMILIES`. It has effect once `sidecar.dialects` speaks it.
"""

from msgspec import Struct

from sidecar.settings.files import HEADERS, KEY, READABLE, SECRET
from sidecar.settings.schemes import SIGNATURES
from sidecar.settings.table import CONCURRENCY, TIMEOUT, Group, Setting
from sidecar.settings.urls import APP_URL, URL, URLS
from sidecar.settings.values import BOOLEAN, GLOBS, PATTERN, PATTERNS, RATE, SERVER, choice


class Family(Struct, frozen=True):
    """An outbound dialect's own variables.

    Attributes:
        prefix: no other variable may begin with it.
        keyed: an endpoint of the dialect must have a secret.
    """

    prefix: str
    keyed: bool
    group: Group


NAMED = "SIDECAR_ENDPOINT_"

# A table is read in rows, not one cell a line:
# fmt: off
DRONE = Group("Drone", (
    Setting("DRONE_WEBHOOK_ENDPOINT", "urls", URLS, "",
            "Where Drone's events go.",
            sample="https://ci.example/hooks"),
    Setting("DRONE_WEBHOOK_SECRET", "secrets", SECRET, "",
            "Key of the signature, its raw bytes; required with an endpoint. "
            "32 bytes long, as of `openssl rand -hex 16`; another length brings a warning.",
            sample="0123456789abcdef0123456789abcdef"),
    Setting("DRONE_WEBHOOK_EVENTS", "events", GLOBS, "",
            "Which events: globs on `event:action`, Go's `filepath.Match`.",
            shown="all", sample="build:*,repo:enabled"),
    Setting("DRONE_WEBHOOK_SKIP_VERIFY", "skip_verify", BOOLEAN, "false",
            "Do not verify the endpoint's TLS certificate."),
    Setting("DRONE_WEBHOOK_SIGNATURES", "signatures", SIGNATURES, "cavage,standard",
            "How requests are signed: any of `cavage` or `rfc9421` (one of the two), `standard`, `hub`."),
    Setting("DRONE_SERVER_PROTO", "proto", choice("http", "https"), "",
            "Fills `system.proto` of the body.",
            sample="https"),
    Setting("DRONE_SERVER_HOST", "host", SERVER, "",
            "Fills `system.host` of the body, and `link` where both are set; absent both, no `system` block.",
            sample="drone.example"),
), dialect="drone", about="Drone's own names come first and mean what they mean to Drone.")

PAGURE = Group("Pagure", (
    Setting("PAGURE_WEBHOOK_ENDPOINT", "urls", URLS, "",
            "Where Pagure's events go.",
            sample="https://ci.example/pagure"),
    Setting("PAGURE_WEBHOOK_KEY", "secrets", SECRET, "",
            "The web-hook key; required with an endpoint.",
            sample="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ0123"),
    Setting("PAGURE_WEBHOOK_TOPICS", "events", GLOBS, "",
            "Which topics: globs.",
            shown="all", sample="issue.*,git.receive"),
    Setting("PAGURE_APP_URL", "app_url", APP_URL, "",
            "Where Pagure itself lives: the header `X-Pagure`.",
            sample="https://pagure.example/"),
), dialect="pagure")

LAUNCHPAD = Group("Launchpad", (
    Setting("LAUNCHPAD_WEBHOOK_ENDPOINT", "urls", URLS, "",
            "Where Launchpad's events go.",
            sample="https://ci.example/launchpad"),
    Setting("LAUNCHPAD_WEBHOOK_SECRET", "secrets", SECRET, "",
            "Key of the signature; without it, requests carry none.",
            sample="sekrit"),
    Setting("LAUNCHPAD_WEBHOOK_EVENTS", "events", GLOBS, "",
            "Which event types: globs.",
            shown="all", sample="git:push:0.1,merge-proposal:*"),
    Setting("LAUNCHPAD_WEBHOOK_GIT_REF_PATTERN", "refs", PATTERN, "",
            "Which git refs: one `fnmatch` pattern.",
            shown="all", sample="refs/heads/*"),
    Setting("LAUNCHPAD_HOST", "launchpad_host", SERVER, "launchpad.net",
            "Launchpad's own host, in the header `User-Agent`."),
), dialect="launchpad")

FAMILIES = {
    "drone": Family("DRONE_WEBHOOK_", keyed=True, group=DRONE),
    "pagure": Family("PAGURE_WEBHOOK_", keyed=True, group=PAGURE),
    "launchpad": Family("LAUNCHPAD_WEBHOOK_", keyed=False, group=LAUNCHPAD),
}

ENDPOINT = Group("Named endpoints", (
    Setting("URL", "url", URL, "",
            "Where its events go; required.",
            sample="https://deploy.example/hooks"),
    Setting("DIALECT", "dialect", choice(*FAMILIES), "drone",
            "Whose events it gets, and how they are written."),
    Setting("SECRET", "secrets", SECRET, "",
            "Key of the signature; required but for Launchpad's dialect, and where signing keys do.",
            sample="fedcba9876543210fedcba9876543210"),
    Setting("SIGNING_KEY_FILE", "signing_keys", KEY, "",
            "Ed25519 private keys, PEM, newest first; for Drone's dialect, `rfc9421` and `standard`. Make one with "
            "`openssl genpkey -algorithm ed25519`.",
            sample="/run/secrets/signing.pem"),
    Setting("EVENTS", "events", GLOBS, "",
            "Which events (Pagure's: topics): globs.",
            shown="all", sample="build:*"),
    Setting("REFS", "refs", PATTERNS, "",
            "Which git refs: `fnmatch` patterns.",
            shown="all", sample="refs/heads/*"),
    Setting("SIGNATURES", "signatures", SIGNATURES, "",
            "As `DRONE_WEBHOOK_SIGNATURES`; for Drone's dialect only.",
            shown="`cavage,standard`", sample="cavage,standard"),
    Setting("SKIP_VERIFY", "skip_verify", BOOLEAN, "false",
            "Do not verify its TLS certificate."),
    Setting("CA_FILE", "ca_file", READABLE, "",
            "Certificates to verify it by, PEM.",
            shown="the system's", sample="/etc/ssl/our-ca.pem"),
    Setting("CLIENT_CERT_FILE", "client_cert_file", READABLE, "",
            "The certificate we show, with its key, PEM.",
            sample="/run/secrets/client.pem"),
    Setting("HEADERS", "headers", HEADERS, "",
            "Added to every request; not those that it has already.",
            sample="X-Team: build"),
    Setting("TIMEOUT", "timeout", TIMEOUT, "",
            "One attempt, whole.",
            shown="`SIDECAR_TIMEOUT`", sample="30s"),
    Setting("CONCURRENCY", "concurrency", CONCURRENCY, "",
            "Attempts in flight.",
            shown="`SIDECAR_CONCURRENCY`", sample="4"),
    Setting("RATE", "rate", RATE, "",
            "Attempts started, at most.",
            shown="no limit", sample="100/s"),
), prefix=f"{NAMED}<NAME>_", about=(
    "An endpoint that needs its own settings is named. `SIDECAR_ENDPOINT_DEPLOY_URL` makes one that is shown as\n"
    "`deploy`: a name is of `A-Z`, `0-9` and `_`, and shown in lower case with `-`. It takes nothing from the families."
))
# fmt: on
