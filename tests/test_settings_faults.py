"""What is said of a configuration that does not hold: every fault at once, a line each, with the way out.

Law: each line is compared whole, because an operator reads it whole: the variable, what is wrong, how to mend it.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sidecar.errors import Misconfigured
from sidecar.settings import load

KEY = "0123456789abcdef0123456789abcdef"
GOOD = {
    "DRONE_WEBHOOK_ENDPOINT": "https://ci.example/hooks",
    "DRONE_WEBHOOK_SECRET": KEY,
    "SIDECAR_ENDPOINT_CI_URL": "https://ci.example/",
    "SIDECAR_ENDPOINT_CI_SECRET": KEY,
}
DURATION = "is no duration; write a whole number and one of ms, s, m, h, d, such as 15s"
SIZE = "is no size; write a whole number and one of B, KiB, MiB, GiB, TiB, such as 64KiB"
ADDRESS = "is no address; write host:port, such as 127.0.0.1:8484, or off"
CONTROL = "holds a control character, and no git ref does; leave it out"
MANY = ",".join(["1s"] * 51)

# fmt: off
# A table is read in rows: a variable, its value, and what is said of it.
VALUES = [
    ("SIDECAR_TIMEOUT", "15", f"'15' {DURATION}"),
    ("SIDECAR_TIMEOUT", "1.5s", f"'1.5s' {DURATION}"),
    ("SIDECAR_TIMEOUT", "\u0663s", f"'\u0663s' {DURATION}"),
    ("SIDECAR_TIMEOUT", "9" * 80 + "s", f"'{'9' * 57}...' {DURATION}"),
    ("SIDECAR_TIMEOUT", "11m", "'11m' is out of range; write 100ms to 10m"),
    ("SIDECAR_TIMEOUT", "99ms", "'99ms' is out of range; write 100ms to 10m"),
    ("SIDECAR_CONCURRENCY", "0", "'0' is out of range; write 1 to 1000"),
    ("SIDECAR_CONCURRENCY", "1001", "'1001' is out of range; write 1 to 1000"),
    ("SIDECAR_CONCURRENCY", "-1", "'-1' is no whole number; write 1 to 1000"),
    ("SIDECAR_RETRY_SCHEDULE", "5s,8d", "'8d' is out of range; write 1ms to 7d"),
    ("SIDECAR_RETRY_SCHEDULE", "0s", "'0s' is out of range; write 1ms to 7d"),
    ("SIDECAR_RETRY_SCHEDULE", "5s,x", f"'x' {DURATION}"),
    ("SIDECAR_RETRY_SCHEDULE", ",", "holds no item; write at least one, or unset it"),
    ("SIDECAR_RETRY_SCHEDULE", MANY, "has 51 waits; write 1 to 50"),
    ("SIDECAR_MAX_AGE", "366d", "'366d' is out of range; write 1s to 365d"),
    ("SIDECAR_ORDER", "subjct", "'subjct' is unknown; write subject or none"),
    ("SIDECAR_ORDER_HOLD", "0s", "'0s' is out of range; write 100ms to 7d"),
    ("SIDECAR_MAX_EVENT_SIZE", "1MB", f"'1MB' {SIZE}"),
    ("SIDECAR_MAX_EVENT_SIZE", "1024", f"'1024' {SIZE}"),
    ("SIDECAR_MAX_EVENT_SIZE", "65MiB", "'65MiB' is out of range; write 1KiB to 64MiB"),
    ("SIDECAR_MAX_OUTBOX_SIZE", "1KiB", "'1KiB' is out of range; write 64KiB to 16TiB"),
    ("SIDECAR_MAX_OUTBOX_SIZE", "512KiB", "less than one event of SIDECAR_MAX_EVENT_SIZE; write 1MiB or more"),
    ("SIDECAR_RETENTION", "0d", "'0d' is out of range; write 1s to 3650d"),
    ("SIDECAR_DRAIN_TIMEOUT", "2h", "'2h' is out of range; write 0s to 1h"),
    ("SIDECAR_LOG_FORMAT", "xml", "'xml' is unknown; write json or console"),
    ("SIDECAR_LOG_LEVEL", "loud", "'loud' is unknown; write debug, info, warning or error"),
    ("SIDECAR_SOCKET_MODE", "680", "'680' is no file mode; write it in octal, such as 0660"),
    ("SIDECAR_SOCKET_MODE", "01777", "'01777' is out of range; write 0600 to 0777"),
    ("SIDECAR_SOCKET_MODE", "0066", "'0066' shuts out the owner; write 0600 to 0777, such as 0660"),
    ("SIDECAR_ENDPOINT_CI_REFS", " , ", "holds no item; write at least one, or unset it"),
    ("SIDECAR_ENDPOINT_CI_REFS", "refs/*,a\tb", f"'a\\tb' {CONTROL}"),
    ("LAUNCHPAD_WEBHOOK_GIT_REF_PATTERN", "refs/*\x07x", f"'refs/*\\x07x' {CONTROL}"),
    ("SIDECAR_SOCKET", "/run/" + "s" * 103,
     "the path has 108 bytes, and a socket's may have 107; set it to a shorter one"),
    ("SIDECAR_DATA_DIR", "a\tb", "holds a character that is not printable; write a plain path"),
    ("SIDECAR_OUTBOX", "nats://user:pass@queue.example", "names an engine that is not there; write sqlite"),
    ("SIDECAR_BLOCKED_NETWORKS", "10.0.0.1/8", "'10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8"),
    ("SIDECAR_BLOCKED_NETWORKS", "metadata", "'metadata' is no network; write a CIDR, such as 10.0.0.0/8"),
    ("SIDECAR_LISTEN", "8080", f"'8080' {ADDRESS}"),
    ("SIDECAR_LISTEN", ":8080", f"':8080' {ADDRESS}"),
    ("SIDECAR_LISTEN", "::1:8080", f"'::1:8080' {ADDRESS}"),
    ("SIDECAR_LISTEN", "[127.0.0.1]:80", f"'[127.0.0.1]:80' {ADDRESS}"),
    ("SIDECAR_LISTEN", "0.0.0.0:65536",
     "'0.0.0.0:65536' has no valid port; write host:port with a port of 0 to 65535, or off"),
    ("SIDECAR_ADMIN_LISTEN", "[::]:8484",
     ("'[::]:8484' is not loopback, and there is no token; "
      "set SIDECAR_ADMIN_TOKEN or SIDECAR_ADMIN_TOKEN_FILE, or listen on 127.0.0.1")),
    ("SIDECAR_ADMIN_TOKEN", "two words", "is no token that a header can carry; write printable ASCII without blanks"),
    ("SIDECAR_ADMIN_TOKEN_FILE", "two", "'two' has 2 lines; write one token into it"),
    ("SIDECAR_ADMIN_HOSTS", "https://x.example",
     "'https://x.example' is no host name; write it without scheme, port and path"),
    ("SIDECAR_REQUIRE_FORGE_SIGNATURE", "yes", "'yes' is no boolean; write true or false"),
    ("HTTPS_PROXY", "socks5://proxy.example",
     "does not begin with http:// or https://; write it whole, a comma within it as %2C"),
    ("http_proxy", "http://", "has no host; write https://host/path"),
    ("DRONE_WEBHOOK_ENDPOINT", "ci.example/hooks",
     "URL 1 does not begin with http:// or https://; write it whole, a comma within it as %2C"),
    ("DRONE_WEBHOOK_ENDPOINT", "https:///hooks", "URL 1 has no host; write https://host/path"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://-ci.example/", "URL 1 has no valid host; write https://host/path"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://[::g]/", "URL 1 has no valid host and port; write https://host:port/path"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example:70000/",
     "URL 1 has no valid host and port; write https://host:port/path"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example:0/",
     "URL 1 has no valid port; write 1 to 65535, or leave out the colon"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example:/",
     "URL 1 has no valid port; write 1 to 65535, or leave out the colon"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example/#top",
     "URL 1 has a fragment, which is never sent; leave out the # and what follows it"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example https://b.example",
     "URL 1 holds a blank or a control character; put a comma between URLs, and write a blank within one as %20"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://b\u00fccher.example/",
     "URL 1 holds a character outside ASCII; write the host in its xn-- form and the rest percent-encoded"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example/{id}",
     "URL 1 holds a character that no URL can hold; write it percent-encoded"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example/%zz",
     "URL 1 holds a character that no URL can hold; write it percent-encoded"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example/" + "a" * 4096,
     "URL 1 is longer than 4096 characters; write a shorter one"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://a.example,https://b.example,HTTPS://A.example:443/",
     "URL 3 is the same as URL 1; leave one out"),
    ("DRONE_WEBHOOK_SECRET", "",
     "missing, and the dialect drone signs what it sends; set it, or DRONE_WEBHOOK_SECRET_FILE"),
    ("DRONE_WEBHOOK_SECRET", "whsec_no base64",
     "the secret begins with whsec_, and what follows is no base64; write it as it was issued, or leave standard out"),
    ("DRONE_WEBHOOK_EVENTS", " , ", "holds no item; write at least one, or unset it"),
    ("DRONE_WEBHOOK_SKIP_VERIFY", "tRUE", "'tRUE' is no boolean; write true or false"),
    ("DRONE_WEBHOOK_SIGNATURES", "hmac", "'hmac' is unknown; write any of cavage, rfc9421, standard or hub"),
    ("DRONE_WEBHOOK_SIGNATURES", "cavage,rfc9421",
     "has both cavage and rfc9421, which share a header; write one of the two"),
    ("DRONE_SERVER_PROTO", "ftp", "'ftp' is unknown; write http or https"),
    ("DRONE_SERVER_HOST", "https://drone.example",
     "'https://drone.example' is no host; write host or host:port, without scheme and path"),
    ("LAUNCHPAD_HOST", "a b", "'a b' is no host; write host or host:port, without scheme and path"),
    ("PAGURE_APP_URL", "https://u:p@pagure.example/", "has user-info, which every receiver would see; leave it out"),
    ("SIDECAR_ENDPOINT_CI_URL", "ftp://a.example",
     "does not begin with http:// or https://; write it whole, a comma within it as %2C"),
    ("SIDECAR_ENDPOINT_CI_DIALECT", "gitea", "'gitea' is unknown; write drone, pagure or launchpad"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X-Team", "line 1 is no header; write Name: value"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X Team: a", "line 1 is no header; write Name: value"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X-A: 1\nContent-Type: text/plain",
     "line 2 sets Content-Type, which every request has already; leave it out"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "x-drone-event: build",
     "line 1 sets x-drone-event, which every request has already; leave it out"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X-A: a\rb", "line 1 has a value that no header can carry; write printable ASCII"),
    ("SIDECAR_ENDPOINT_CI_RATE", "100", "'100' is no rate; write a whole number and /s, /m or /h, such as 100/s"),
    ("SIDECAR_ENDPOINT_CI_RATE", "0/s", "'0/s' is out of range; write 1 to 100000 and /s, /m or /h"),
    ("SIDECAR_ENDPOINT_CI_CA_FILE", "none.pem",
     "'none.pem' cannot be read (No such file or directory); write the path of a file we may read"),
    ("SIDECAR_ENDPOINT_CI_CLIENT_CERT_FILE", "folder",
     "'folder' cannot be read (Is a directory); write the path of a file we may read"),
    ("SIDECAR_ENDPOINT_CI_SIGNING_KEY_FILE", "two",
     "'two' is no PEM file; write the path of one that holds an Ed25519 private key"),
    ("SIDECAR_ENDPOINT_CI_TIMEOUT", "1h", "'1h' is out of range; write 100ms to 10m"),
    ("SIDECAR_ENDPOINT_CI_CONCURRENCY", "x", "'x' is no whole number; write 1 to 1000"),
    ("SIDECAR_TIMOUT", "15s", "unknown; write SIDECAR_TIMEOUT, the nearest known name, or unset it"),
    ("SIDECAR_TIMEOUT_FILE", "two", "unknown; write SIDECAR_TIMEOUT, the nearest known name, or unset it"),
    ("SIDECAR_PORT", "8080", "unknown; write SIDECAR_ORDER, the nearest known name, or unset it"),
    ("DRONE_WEBHOOK_SECRETS", "x", "unknown; write DRONE_WEBHOOK_SECRET, the nearest known name, or unset it"),
    ("PAGURE_WEBHOOK_TOPIC", "x", "unknown; write PAGURE_WEBHOOK_TOPICS, the nearest known name, or unset it"),
    ("LAUNCHPAD_WEBHOOK_EVENT", "", "unknown; write LAUNCHPAD_WEBHOOK_EVENTS, the nearest known name, or unset it"),
    ("SIDECAR_ENDPOINT_CI_URLS", "x", "unknown; write SIDECAR_ENDPOINT_CI_URL, the nearest known name, or unset it"),
    ("SIDECAR_ENDPOINT_ci_URL", "x", "unknown; write SIDECAR_ENDPOINT_CI_URL, the nearest known name, or unset it"),
    ("SIDECAR_ENDPOINT_URL", "x", "unknown; write SIDECAR_ENDPOINT_<NAME>_URL, the nearest known name, or unset it"),
    ("SIDECAR_ENDPOINT", "x", "unknown; write SIDECAR_ENDPOINT_<NAME>_URL, the nearest known name, or unset it"),
]

# What more than one variable has part in.
TOGETHER: list[tuple[dict[str, str], str]] = [
    ({"DRONE_WEBHOOK_SECRET_FILE": "two"},
     "DRONE_WEBHOOK_SECRET: set, and DRONE_WEBHOOK_SECRET_FILE too; unset one of them"),
    ({"DRONE_WEBHOOK_SECRET": "", "DRONE_WEBHOOK_SECRET_FILE": "none"},
     ("DRONE_WEBHOOK_SECRET_FILE: 'none' cannot be read (No such file or directory); "
      "write the path of a file we may read")),
    ({"SIDECAR_ENDPOINT_CI_SECRET": "", "SIDECAR_ENDPOINT_CI_SECRET_FILE": "empty"},
     "SIDECAR_ENDPOINT_CI_SECRET_FILE: 'empty' is empty; write the path of the right file"),
    ({"SIDECAR_ENDPOINT_CI_SECRET": "", "SIDECAR_ENDPOINT_CI_SECRET_FILE": "many"},
     "SIDECAR_ENDPOINT_CI_SECRET_FILE: 'many' has 17 lines; write one secret a line, at most 16"),
    ({"SIDECAR_ENDPOINT_CI_SECRET": "", "SIDECAR_ENDPOINT_CI_SECRET_FILE": "large"},
     "SIDECAR_ENDPOINT_CI_SECRET_FILE: 'large' is longer than 64KiB; write the path of the right file"),
    ({"SIDECAR_ENDPOINT_B_SECRET": KEY},
     "SIDECAR_ENDPOINT_B_URL: missing, and others of this endpoint are set; write where its events go"),
    ({"SIDECAR_ENDPOINT_B_URL": "https://b.example"},
     ("SIDECAR_ENDPOINT_B_SECRET: missing, and the dialect drone signs what it sends; "
      "set it, or SIDECAR_ENDPOINT_B_SECRET_FILE")),
    ({"PAGURE_WEBHOOK_ENDPOINT": "https://p.example"},
     "PAGURE_WEBHOOK_KEY: missing, and the dialect pagure signs what it sends; set it, or PAGURE_WEBHOOK_KEY_FILE"),
    ({"SIDECAR_ENDPOINT_CI_DIALECT": "pagure", "SIDECAR_ENDPOINT_CI_SIGNATURES": "hub"},
     "SIDECAR_ENDPOINT_CI_SIGNATURES: set, and the dialect pagure has its own signature; unset it"),
    ({"SIDECAR_ENDPOINT_CI_URL": "https://u:p@ci.example/", "SIDECAR_ENDPOINT_CI_HEADERS": "authorization: Bearer x"},
     "SIDECAR_ENDPOINT_CI_HEADERS: sets Authorization, and so does the URL's user-info; leave out one of them"),
    ({"DRONE_WEBHOOK_ENDPOINT": "http://hooks:8080/", "SIDECAR_ENDPOINT_HOOKS_8080_URL": "https://b.example",
      "SIDECAR_ENDPOINT_HOOKS_8080_SECRET": KEY},
     ("SIDECAR_ENDPOINT_HOOKS_8080_URL: the name hooks-8080 is that of an endpoint of DRONE_WEBHOOK_ENDPOINT too; "
      "name it otherwise, with SIDECAR_ENDPOINT_<NAME>_URL")),
    ({"SIDECAR_DATA_DIR": "/" + "d" * 94},
     "SIDECAR_SOCKET: the path has 108 bytes, and a socket's may have 107; set it to a shorter one"),
    ({"SIDECAR_EVIL\n\x1b[31m": "x"},
     "SIDECAR_EVIL\\n\\x1b[31m: unknown; write SIDECAR_LOG_LEVEL, the nearest known name, or unset it"),
]
# fmt: on


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path and the files that the tables name."""
    folder = tmp_path_factory.mktemp("s")
    (folder / "folder").mkdir()
    for name, text in (("two", "a\nb\n"), ("empty", " \r\n"), ("many", "x\n" * 17), ("large", "x" * 65_537)):
        (folder / name).write_text(text)
    return folder


def faults(environ: Mapping[str, str], folder: Path) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load(environ, folder)
    assert str(caught.value) == "\n".join(caught.value.faults)
    return caught.value.faults


@pytest.mark.parametrize(("variable", "value", "reason"), VALUES)
def test_a_bad_value_is_named_with_the_way_out(folder: Path, variable: str, value: str, reason: str) -> None:
    assert faults({**GOOD, variable: value}, folder) == [f"{variable}: {reason}"]


@pytest.mark.parametrize(("environ", "line"), TOGETHER)
def test_variables_that_do_not_go_together_are_named_with_the_way_out(
    folder: Path, environ: dict[str, str], line: str
) -> None:
    assert faults({**GOOD, **environ}, folder) == [line]


def test_the_configuration_the_tables_spoil_is_good(folder: Path) -> None:
    assert len(load(GOOD, folder).endpoints) == 2


@pytest.mark.parametrize("pattern", ["build:[", "build:[a-", "build:\\"])
def test_a_glob_that_go_refuses_is_a_fault(folder: Path, pattern: str) -> None:
    (line,) = faults({**GOOD, "DRONE_WEBHOOK_EVENTS": f"repo:*,{pattern}"}, folder)
    assert line.startswith(f"DRONE_WEBHOOK_EVENTS: {pattern!r} is no pattern (")
    assert line.endswith("); write it as for Go's filepath.Match")


def test_all_faults_are_told_at_once_a_line_each(folder: Path) -> None:
    (folder / ".env").write_text("SIDECAR_ORDER=never\n=\n")
    environ = {
        "SIDECAR_TIMOUT": "15s",
        "SIDECAR_TIMEOUT": "15",
        "SIDECAR_RETRY_SCHEDULE": "1,2",
        "DRONE_WEBHOOK_ENDPOINT": "a.example,https://b.example,https://",
        "PAGURE_WEBHOOK_EVENTS": "*",
        "SIDECAR_ENDPOINT_X_RATE": "fast",
        "SIDECAR_ENDPOINT_X_HEADERS": "Host: a\nDate: b",
        "SIDECAR_ADMIN_TOKEN_FILE": "none",
    }
    found = faults(environ, folder)
    assert [line.partition(":")[0] for line in found] == [
        ".env",
        "PAGURE_WEBHOOK_EVENTS",
        "SIDECAR_TIMOUT",
        "DRONE_WEBHOOK_ENDPOINT",
        "DRONE_WEBHOOK_ENDPOINT",
        "DRONE_WEBHOOK_SECRET",
        "SIDECAR_ENDPOINT_X_HEADERS",
        "SIDECAR_ENDPOINT_X_HEADERS",
        "SIDECAR_ENDPOINT_X_RATE",
        "SIDECAR_ENDPOINT_X_SECRET",
        "SIDECAR_ENDPOINT_X_URL",
        "SIDECAR_TIMEOUT",
        "SIDECAR_RETRY_SCHEDULE",
        "SIDECAR_RETRY_SCHEDULE",
        "SIDECAR_ORDER",
        "SIDECAR_ADMIN_TOKEN_FILE",
    ]


LINKS = {
    "SIDECAR_SERVICE_HOST": "10.0.0.1",
    "SIDECAR_SERVICE_PORT": "8484",
    "SIDECAR_SERVICE_PORT_ADMIN_UI": "8484",
    "SIDECAR_PORT": "tcp://10.0.0.1:8484",
    "SIDECAR_PORT_8484_TCP": "tcp://10.0.0.1:8484",
    "SIDECAR_PORT_8484_TCP_ADDR": "10.0.0.1",
    "SIDECAR_PORT_8484_TCP_PORT": "8484",
    "SIDECAR_PORT_8484_TCP_PROTO": "tcp",
    "SIDECAR_DNS_PORT": "udp://10.0.0.1:53",
    "SIDECAR_DNS_PORT_53_UDP_ADDR": "10.0.0.1",
    "SIDECAR_ENDPOINT_PORT_9_SCTP": "sctp://10.0.0.1:9",
    "DRONE_WEBHOOK_SERVICE_HOST": "10.0.0.1",
    "PAGURE_WEBHOOK_PORT": "sctp://10.0.0.1:9",
    "LAUNCHPAD_WEBHOOK_PORT_80_TCP": "tcp://10.0.0.1:80",
}


def test_what_kubernetes_sets_for_a_service_is_ignored_with_one_notice(folder: Path) -> None:
    settings = load({**GOOD, **LINKS}, folder)
    found = f"ignored, as Kubernetes sets them for a Service named like us: {', '.join(sorted(LINKS))}"
    assert settings.notices == (f"{found}; `enableServiceLinks: false` in the pod's spec keeps them away",)
    assert settings.warnings == ()


def test_an_admin_listener_that_others_reach_is_good_with_a_token(folder: Path) -> None:
    settings = load({"SIDECAR_ADMIN_LISTEN": "0.0.0.0:8484", "SIDECAR_ADMIN_TOKEN": "t"}, folder)
    assert settings.admin_listen == "0.0.0.0:8484"
