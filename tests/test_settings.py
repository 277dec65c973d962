"""What a configuration that holds becomes, by default, from the environment, from `.env` and from files.

Law: real files in a real folder; the expected settings stand here in full, so that a changed default is seen.
"""

import json
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest
from msgspec.structs import replace

from sidecar import __version__
from sidecar.dialects import DIALECTS
from sidecar.errors import Misconfigured
from sidecar.model import Endpoint, Instance, Secret
from sidecar.settings import Proxies, Settings, describe, load

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
DRONE = {"DRONE_WEBHOOK_ENDPOINT": "https://ci.example/hooks", "DRONE_WEBHOOK_SECRET": KEY}
NAMED = {"SIDECAR_ENDPOINT_CI_URL": "https://ci.example/", "SIDECAR_ENDPOINT_CI_SECRET": KEY}


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path: a socket's may have 107 bytes."""
    return tmp_path_factory.mktemp("s")


def the_endpoint(folder: Path, **environ: str) -> Endpoint:
    (endpoint,) = load({**NAMED, **environ}, folder).endpoints
    return endpoint


def test_with_nothing_set_everything_has_its_documented_default(folder: Path) -> None:
    assert load({}, folder) == Settings(
        endpoints=(),
        instance=Instance(version=__version__),
        socket=str(folder / "data" / "sidecar.sock"),
        socket_mode=0o660,
        data_dir=str(folder / "data"),
        outbox="sqlite",
        timeout=15_000,
        concurrency=16,
        schedule=(5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000),
        max_age=4 * 86_400_000,
        order="subject",
        order_hold=600_000,
        max_event_size=2**20,
        max_outbox_size=2**30,
        retention=30 * 86_400_000,
        drain_timeout=20_000,
        log_format="",
        log_level="info",
        blocked_networks=tuple(
            map(
                ip_network,
                ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32"),
            )
        ),
        proxies=Proxies(),
        listen="",
        relay_secrets=(),
        admin_listen="127.0.0.1:8484",
        admin_token=None,
        admin_hosts=("localhost", "127.0.0.1", "::1"),
        require_forge_signature=False,
        warnings=("no endpoint is configured: events are delivered to nobody; set DRONE_WEBHOOK_ENDPOINT",),
        notices=(),
    )


def test_drones_own_variables_make_an_endpoint_of_each_url(folder: Path) -> None:
    environ = {
        "DRONE_WEBHOOK_ENDPOINT": "https://ci.example/hooks,\n http://receiver:8080/ ",
        "DRONE_WEBHOOK_SECRET": KEY,
        "DRONE_WEBHOOK_EVENTS": "build:*,repo:enabled",
        "DRONE_WEBHOOK_SKIP_VERIFY": "T",
        "DRONE_WEBHOOK_SIGNATURES": "hub, cavage",
        "DRONE_SERVER_PROTO": "https",
        "DRONE_SERVER_HOST": "drone.example:8443",
        "SIDECAR_TIMEOUT": "3s",
        "SIDECAR_CONCURRENCY": "2",
    }
    settings = load(environ, folder)
    first = Endpoint(
        name="ci.example-hooks",
        dialect="drone",
        url="https://ci.example/hooks",
        secrets=(Secret(KEY.encode()),),
        events=("build:*", "repo:enabled"),
        skip_verify=True,
        signatures=("hub", "cavage"),
        timeout=3_000,
        concurrency=2,
    )
    assert settings.endpoints == (first, replace(first, name="receiver-8080", url="http://receiver:8080/"))
    assert settings.instance == Instance(proto="https", host="drone.example:8443", version=__version__)
    assert settings.relay_secrets == (Secret(KEY.encode()),)
    assert settings.warnings == ()


def test_a_named_endpoint_has_settings_of_its_own(folder: Path) -> None:
    (folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (folder / "client.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    environ = {
        "SIDECAR_ENDPOINT_THE_CI_2_URL": "https://user:pass@ci.example?q=1",
        "SIDECAR_ENDPOINT_THE_CI_2_SECRET": KEY,
        "SIDECAR_ENDPOINT_THE_CI_2_EVENTS": "build:*",
        "SIDECAR_ENDPOINT_THE_CI_2_REFS": "refs/heads/release-*, refs/tags/v[0-9]*",
        "SIDECAR_ENDPOINT_THE_CI_2_SIGNATURES": "standard",
        "SIDECAR_ENDPOINT_THE_CI_2_SKIP_VERIFY": "1",
        "SIDECAR_ENDPOINT_THE_CI_2_CA_FILE": "ca.pem",
        "SIDECAR_ENDPOINT_THE_CI_2_CLIENT_CERT_FILE": str(folder / "client.pem"),
        "SIDECAR_ENDPOINT_THE_CI_2_HEADERS": "X-Team: build, release\r\n\nX-Key:a:b\n",
        "SIDECAR_ENDPOINT_THE_CI_2_TIMEOUT": "1m",
        "SIDECAR_ENDPOINT_THE_CI_2_CONCURRENCY": "4",
        "SIDECAR_ENDPOINT_THE_CI_2_RATE": "30/m",
    }
    assert load(environ, folder).endpoints == (
        Endpoint(
            name="the-ci-2",
            dialect="drone",
            url="https://user:pass@ci.example/?q=1",
            secrets=(Secret(KEY.encode()),),
            events=("build:*",),
            refs=("refs/heads/release-*", "refs/tags/v[0-9]*"),
            signatures=("standard",),
            skip_verify=True,
            ca_file=str(folder / "ca.pem"),
            client_cert_file=str(folder / "client.pem"),
            headers=(("X-Team", "build, release"), ("X-Key", "a:b")),
            timeout=60_000,
            concurrency=4,
            rate=0.5,
        ),
    )


def test_a_named_endpoint_waits_and_crowds_as_the_others_where_it_says_nothing(folder: Path) -> None:
    endpoint = the_endpoint(folder, SIDECAR_TIMEOUT="2s", SIDECAR_CONCURRENCY="3")
    assert (endpoint.timeout, endpoint.concurrency, endpoint.rate) == (2_000, 3, 0.0)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("SIDECAR_TIMEOUT", "200ms", "timeout", 200),
        ("SIDECAR_MAX_AGE", "2h", "max_age", 7_200_000),
        ("SIDECAR_RETRY_SCHEDULE", "1s, 2m\n3h", "schedule", (1_000, 120_000, 10_800_000)),
        ("SIDECAR_MAX_EVENT_SIZE", "64KiB", "max_event_size", 65_536),
        ("SIDECAR_MAX_OUTBOX_SIZE", "2TiB", "max_outbox_size", 2 * 2**40),
        ("SIDECAR_DRAIN_TIMEOUT", "0s", "drain_timeout", 0),
        ("SIDECAR_SOCKET_MODE", "0600", "socket_mode", 0o600),
        ("SIDECAR_SOCKET_MODE", "0o666", "socket_mode", 0o666),
        ("SIDECAR_SOCKET", "/run/sidecar.sock", "socket", "/run/sidecar.sock"),
        ("SIDECAR_ORDER", "none", "order", "none"),
        ("SIDECAR_LOG_FORMAT", "console", "log_format", "console"),
        ("SIDECAR_LOG_LEVEL", "WARNING", "log_level", "warning"),
        ("SIDECAR_BLOCKED_NETWORKS", "", "blocked_networks", ()),
        (
            "SIDECAR_BLOCKED_NETWORKS",
            "10.0.0.0/8,::1",
            "blocked_networks",
            (ip_network("10.0.0.0/8"), ip_network("::1")),
        ),
        ("SIDECAR_LISTEN", "[::]:8485", "listen", "[::]:8485"),
        ("SIDECAR_LISTEN", "off", "listen", ""),
        ("SIDECAR_ADMIN_LISTEN", "OFF", "admin_listen", ""),
        ("SIDECAR_ADMIN_LISTEN", "[::1]:0", "admin_listen", "[::1]:0"),
        ("SIDECAR_ADMIN_LISTEN", "127.9.9.9:1", "admin_hosts", ("localhost", "127.0.0.1", "::1", "127.9.9.9")),
        ("SIDECAR_ADMIN_HOSTS", "Sidecar.Example,[::1]", "admin_hosts", ("sidecar.example", "::1")),
        ("SIDECAR_ADMIN_TOKEN", "a-token", "admin_token", Secret(b"a-token")),
        ("SIDECAR_RELAY_SECRET", " blanks count ", "relay_secrets", (Secret(b" blanks count "),)),
        ("SIDECAR_REQUIRE_FORGE_SIGNATURE", "True", "require_forge_signature", True),
        ("SIDECAR_TIMEOUT", "  ", "timeout", 15_000),
    ],
)
def test_values_are_read_as_they_are_documented(
    folder: Path, variable: str, text: str, field: str, value: object
) -> None:
    assert getattr(load({variable: text}, folder), field) == value


@pytest.mark.parametrize("text", ["1", "t", "T", "true", "TRUE", "True"])
def test_booleans_are_those_of_go(folder: Path, text: str) -> None:
    assert the_endpoint(folder, SIDECAR_ENDPOINT_CI_SKIP_VERIFY=text).skip_verify
    off = {"1": "0", "t": "f", "T": "F", "true": "false", "TRUE": "FALSE", "True": "False"}[text]
    assert not the_endpoint(folder, SIDECAR_ENDPOINT_CI_SKIP_VERIFY=off).skip_verify


@pytest.mark.parametrize(("text", "rate"), [("100/s", 100.0), ("90/m", 1.5), ("36/h", 0.01)])
def test_rates_are_counted_by_the_second(folder: Path, text: str, rate: float) -> None:
    assert the_endpoint(folder, SIDECAR_ENDPOINT_CI_RATE=text).rate == rate


def test_proxies_are_read_in_either_case_and_the_upper_one_first(folder: Path) -> None:
    environ = {
        "HTTPS_PROXY": "http://user:pass@upper.example:3128",
        "https_proxy": "http://lower.example:3128",
        "http_proxy": "lower.example:3128",
        "no_proxy": "localhost, .Internal.example 10.0.0.0/8",
    }
    proxies = load(environ, folder).proxies
    assert proxies.https == "http://user:pass@upper.example:3128"
    assert proxies.http == "http://lower.example:3128"
    assert proxies.no_proxy == ("localhost", ".internal.example", "10.0.0.0/8")
    assert "pass" not in repr(proxies)


def test_secrets_of_a_file_are_one_a_line_newest_first(folder: Path) -> None:
    (folder / "secrets").write_bytes(f"{OTHER}\r\n\n   \n{KEY}\n".encode())
    settings = load({"DRONE_WEBHOOK_ENDPOINT": "https://ci.example/", "DRONE_WEBHOOK_SECRET_FILE": "secrets"}, folder)
    assert settings.endpoints[0].secrets == (Secret(OTHER.encode()), Secret(KEY.encode()))
    assert settings.relay_secrets == settings.endpoints[0].secrets


def test_a_secret_keeps_bytes_that_are_no_text(folder: Path) -> None:
    raw = b"\xff" * 31 + b" "
    (folder / "secret").write_bytes(raw)
    assert the_endpoint(folder, SIDECAR_ENDPOINT_CI_SECRET=raw.decode("utf-8", "surrogateescape")).secrets == (
        Secret(raw),
    )
    in_file = {"SIDECAR_ENDPOINT_CI_SECRET": "", "SIDECAR_ENDPOINT_CI_SECRET_FILE": "secret"}
    assert the_endpoint(folder, **in_file).secrets == (Secret(raw),)


def test_dot_env_fills_in_what_the_environment_has_not(folder: Path) -> None:
    lines = [
        "# a comment",
        'export SIDECAR_RETRY_SCHEDULE="1s,2s"',
        "SIDECAR_TIMEOUT=1s",
        "SIDECAR_CONCURRENCY=8",
        "SIDECAR_LOG_LEVEL=debug",
        "DRONE_WEBHOOK_ENDPOINT='https://ci.example/a\nhttps://ci.example/b'",
        f"DRONE_WEBHOOK_SECRET=${{HOME}}{KEY[:25]}",
        "OTHER_PROGRAM=whatever",
    ]
    (folder / ".env").write_text("\n".join(lines), encoding="utf-8-sig")
    settings = load({"SIDECAR_TIMEOUT": "9s", "SIDECAR_LOG_LEVEL": "", "HOME": "/root"}, folder)
    assert (settings.timeout, settings.concurrency, settings.log_level) == (9_000, 8, "info")
    assert settings.schedule == (1_000, 2_000)
    assert [endpoint.name for endpoint in settings.endpoints] == ["ci.example-a", "ci.example-b"]
    assert settings.endpoints[0].secrets == (Secret(b"${HOME}" + KEY[:25].encode()),)


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda path: path.mkdir(), ".env: cannot be read (Is a directory); make it a readable file, or take it away"),
        (lambda path: path.write_bytes(b"A=\xff\n"), ".env: is not UTF-8; save it as UTF-8"),
        (
            lambda path: path.write_text(f"\nA=1\n\nB='{KEY}\nC=3\n"),
            ".env: line 4 cannot be read; write NAME=value, and close its quotes",
        ),
        (
            lambda path: path.write_text("A=1\nSIDECAR_TIMEOUT\n"),
            ".env: line 2 cannot be read; write NAME=value, and close its quotes",
        ),
        (
            lambda path: path.write_text("SIDECAR_TIMOUT=1s\n"),
            "SIDECAR_TIMOUT: unknown; write SIDECAR_TIMEOUT, the nearest known name, or unset it",
        ),
    ],
)
def test_a_spoilt_dot_env_is_a_fault(folder: Path, spoil: Callable[[Path], object], line: str) -> None:
    spoil(folder / ".env")
    with pytest.raises(Misconfigured) as caught:
        load({}, folder)
    assert caught.value.faults == [line]


@pytest.mark.parametrize("length", [31, 33, 64])
def test_a_drone_secret_of_another_length_than_32_bytes_is_warned_of(folder: Path, length: int) -> None:
    (folder / "secrets").write_text(f"{KEY}\n{'x' * length}\n")
    environ = {
        "DRONE_WEBHOOK_ENDPOINT": "https://ci.example/hooks",
        "DRONE_WEBHOOK_SECRET_FILE": "secrets",
        "SIDECAR_ENDPOINT_CI_URL": "https://ci.example/",
        "SIDECAR_ENDPOINT_CI_SECRET": "y" * length,
    }
    way_out = "is not 32 bytes long, as Drone's are; make one with `openssl rand -hex 16`"
    assert load(environ, folder).warnings == (
        f"DRONE_WEBHOOK_SECRET_FILE: secret 2 {way_out}",
        f"SIDECAR_ENDPOINT_CI_SECRET: the secret {way_out}",
    )


def test_what_works_is_not_warned_of(folder: Path) -> None:
    environ = {
        **DRONE,
        **NAMED,
        "SIDECAR_LISTEN": "0.0.0.0:8485",
        "SIDECAR_REQUIRE_FORGE_SIGNATURE": "true",
        "SIDECAR_RELAY_SECRET": "0123456789abcdef0123456789abcdef",
    }
    assert load(environ, folder, spoken=("drone",)).warnings == ()


PAGURE: Mapping[str, str] = {
    "PAGURE_WEBHOOK_ENDPOINT": "https://ci.example/hooks",
    "PAGURE_WEBHOOK_KEY": "k",
    "PAGURE_WEBHOOK_TOPICS": "issue.*",
    "PAGURE_APP_URL": "https://pagure.example/",
    "LAUNCHPAD_WEBHOOK_ENDPOINT": "https://ci.example/hooks",
    "LAUNCHPAD_WEBHOOK_GIT_REF_PATTERN": "refs/heads/a,b",
    "LAUNCHPAD_HOST": "qastaging.example",
}


def test_a_dialect_that_nobody_speaks_is_checked_and_left_out(folder: Path) -> None:
    named = {"SIDECAR_ENDPOINT_P_URL": "https://p.example/", "SIDECAR_ENDPOINT_P_DIALECT": "launchpad"}
    settings = load({**DRONE, **PAGURE, **named}, folder, spoken=("drone",))
    assert [endpoint.name for endpoint in settings.endpoints] == ["ci.example-hooks"]
    assert settings.warnings == (
        f"without effect in this version: {', '.join((*PAGURE, *named))}; unset them, or wait for a later one",
    )


def test_a_dialect_has_its_endpoints_once_it_is_spoken(folder: Path) -> None:
    settings = load({**DRONE, **PAGURE}, folder, spoken=("drone", "pagure", "launchpad"))
    pagure, launchpad = settings.endpoints[1:]
    assert (pagure.name, pagure.dialect, pagure.secrets) == ("pagure-ci.example-hooks", "pagure", (Secret(b"k"),))
    assert (pagure.events, pagure.signatures) == (("issue.*",), ())
    assert (launchpad.name, launchpad.secrets) == ("launchpad-ci.example-hooks", ())
    assert launchpad.refs == ("refs/heads/a,b",)
    assert settings.instance.app_url == "https://pagure.example/"
    assert settings.instance.launchpad_host == "qastaging.example"
    assert settings.warnings == ()


def test_the_dialects_spoken_are_those_of_the_house(folder: Path) -> None:
    assert {endpoint.dialect for endpoint in load({**DRONE, **PAGURE}, folder).endpoints} == set(DIALECTS)


def test_a_description_is_plain_data_in_the_users_own_units(folder: Path) -> None:
    environ = {**NAMED, "SIDECAR_ENDPOINT_CI_HEADERS": "X-Team: a", "SIDECAR_ENDPOINT_CI_RATE": "30/m"}
    shown = json.loads(json.dumps(describe(load({**environ, "HTTPS_PROXY": "http://u:p@proxy:1/x?y"}, folder))))
    (endpoint,) = shown["endpoints"]
    assert endpoint["url"] == "https://ci.example/"
    assert endpoint["secrets"] == "1 secret"
    assert endpoint["signing_keys"] == "no key"
    assert endpoint["headers"] == ["X-Team"]
    assert endpoint["rate"] == "0.5/s"
    assert shown["proxies"]["https"] == "http://proxy:1"
    assert (shown["timeout"], shown["retention"], shown["socket_mode"]) == ("15s", "30d", "0660")
    assert (shown["max_event_size"], shown["max_outbox_size"]) == ("1MiB", "1GiB")
    assert shown["schedule"][-2:] == ["20h", "1d"]
