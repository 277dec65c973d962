"""Which keys an endpoint signs with, and what is said where they will not do. Law: as in test_settings_faults.py."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from signing_keys import OLD_KEY, pem, public_pem

from sidecar.errors import Misconfigured
from sidecar.model import Endpoint, Secret
from sidecar.settings import load

PREFIX = "SIDECAR_ENDPOINT_CI_"
SECRET: Mapping[str, Any] = {"SECRET": "0123456789abcdef0123456789abcdef"}


def loaded(folder: Path, key: bytes = b"", url: str = "https://ci.example/", **fields: str) -> Endpoint:
    if key:
        (folder / "key.pem").write_bytes(key)
        fields["SIGNING_KEY_FILE"] = "key.pem"
    [endpoint] = load({f"{PREFIX}{name}": value for name, value in {"URL": url, **fields}.items()}, folder).endpoints
    return endpoint


def faults(folder: Path, key: bytes = b"", url: str = "https://ci.example/", **fields: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        loaded(folder, key, url, **fields)
    return [fault.removeprefix(PREFIX) for fault in caught.value.faults]


def test_a_file_may_hold_several_keys_newest_first(tmp_path: Path) -> None:
    endpoint = loaded(tmp_path, b"new\n" + pem() + b"old\n" + pem(OLD_KEY), **SECRET)
    assert endpoint.signing_keys == (Secret(pem().strip()), Secret(pem(OLD_KEY).strip()))
    assert "PRIVATE" not in repr(endpoint)


def test_where_keys_sign_all_no_secret_is_needed(tmp_path: Path) -> None:
    endpoint = loaded(tmp_path, pem(), SIGNATURES="rfc9421,standard")
    assert (endpoint.secrets, endpoint.signatures) == ((), ("rfc9421", "standard"))


MISSING = "SECRET: missing, and the dialect drone signs what it sends; set it, or SIDECAR_ENDPOINT_CI_SECRET_FILE"
ADD = "add rfc9421 or standard to SIDECAR_ENDPOINT_CI_SIGNATURES, or unset it"
MAKE = "make one with `openssl genpkey -algorithm ed25519`"


@pytest.mark.parametrize(
    ("key", "fields", "fault"),
    [
        (pem(), {}, MISSING),
        (pem(), {"SIGNATURES": "rfc9421,hub"}, MISSING),
        (public_pem(), SECRET, f"SIGNING_KEY_FILE: 'key.pem' is no private key; {MAKE}"),
        (pem() + public_pem(), SECRET, f"SIGNING_KEY_FILE: 'key.pem', key 2, is no private key; {MAKE}"),
        (
            pem(passphrase=b"x"),
            SECRET,
            "SIGNING_KEY_FILE: 'key.pem' is encrypted; write it without a passphrase, and let nobody else read it",
        ),
        (pem() * 17, SECRET, "SIGNING_KEY_FILE: 'key.pem' has 17 keys; write at most 16, newest first"),
        (
            pem(),
            {**SECRET, "SIGNATURES": "cavage,hub"},
            f"SIGNING_KEY_FILE: set, and no scheme of this endpoint signs by a key; {ADD}",
        ),
        (
            pem(),
            {**SECRET, "DIALECT": "pagure"},
            "SIGNING_KEY_FILE: set, and the dialect pagure has its own signature; unset it",
        ),
    ],
)
def test_a_key_that_cannot_sign_is_a_fault(key: bytes, fields: Mapping[str, str], fault: str, tmp_path: Path) -> None:
    assert faults(tmp_path, key, **fields) == [fault]


def test_a_url_that_cannot_be_signed_is_a_fault_where_it_must_be(tmp_path: Path) -> None:
    url = "https://ci.example/a[1]"
    assert loaded(tmp_path, url=url, **SECRET).url == url
    assert faults(tmp_path, url=url, **SECRET, SIGNATURES="rfc9421") == [
        "URL: holds a character that rfc9421 cannot sign; write it percent-encoded: [ as %5B, ] as %5D"
    ]


def test_scheme_and_host_are_handed_on_as_receivers_read_them(tmp_path: Path) -> None:
    endpoint = loaded(tmp_path, url="HTTPS://Me:Hush@CI.Example:8443?Q=/A", **SECRET)
    assert endpoint.url == "https://Me:Hush@ci.example:8443/?Q=/A"
