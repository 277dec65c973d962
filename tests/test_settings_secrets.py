"""No secret is ever shown: not in a fault, a repr, a description, a warning or a notice.

Law: a random secret is planted wherever one may stand, in configurations good and spoilt, and everything that comes
out is searched for it.
"""

import json
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.errors import Misconfigured
from sidecar.settings import describe, load

SECRETS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=12, max_size=40).map(
    "Zq7{}".format  # so that no word of ours holds it
)
PLACES = (
    ("DRONE_WEBHOOK_SECRET", "{}"),
    ("DRONE_WEBHOOK_ENDPOINT", "https://u:{}@ci.example/,http://ci.example?{}"),
    ("PAGURE_WEBHOOK_KEY", "{}"),
    ("PAGURE_WEBHOOK_ENDPOINT", "https://{}@ci.example/a?{}"),
    ("LAUNCHPAD_WEBHOOK_SECRET", "{}"),
    ("SIDECAR_RELAY_SECRET", "{}"),
    ("SIDECAR_ADMIN_TOKEN", "{}"),
    ("SIDECAR_OUTBOX", "sqlite"),
    ("SIDECAR_ENDPOINT_CI_URL", "https://u:{}@ci.example?a=@{}"),
    ("SIDECAR_ENDPOINT_CI_SECRET", "{}"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X-Token: {}"),
    ("SIDECAR_SERVICE_HOST", "{}"),
    ("HTTPS_PROXY", "http://u:{}@proxy.example:3128/?{}"),
    ("http_proxy", "u:{}@proxy.example"),
)
SPOILT = (
    ("DRONE_WEBHOOK_SECRET", "whsec_{}\x00"),
    (
        "DRONE_WEBHOOK_ENDPOINT",
        "{},https://u:{}@/a,https://a/#{},https://u:{}@a:99999/,https://a b?{},https://a?{},https://a/?{}",
    ),
    ("PAGURE_WEBHOOK_ENDPOINT", "https://[{}]/,ftp://{}@a/"),
    ("PAGURE_APP_URL", "https://u:{}@pagure.example/"),
    ("SIDECAR_ADMIN_TOKEN", "{} {}"),
    ("SIDECAR_OUTBOX", "nats://u:{}@queue.example/"),
    ("SIDECAR_ENDPOINT_CI_URL", "https://u:{}@ci.example/{{}}"),
    ("SIDECAR_ENDPOINT_CI_HEADERS", "X-Token {}\nHost: {}\n{}: \nX-Ok: {}\x7f"),
    ("HTTPS_PROXY", "socks5://u:{}@proxy.example:3128"),
    ("SIDECAR_UNKNOWN", "{}"),
    ("SIDECAR_ENDPOINT_CI_UNKNOWN", "{}"),
    ("DRONE_WEBHOOK_TOKEN", "{}"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a short path."""
    return tmp_path_factory.mktemp("s")


def filled(places: tuple[tuple[str, str], ...], secret: str) -> dict[str, str]:
    return {variable: text.replace("{}", secret) for variable, text in places}


@settings(deadline=None)  # the disk may be busy
@given(secret=SECRETS)
def test_settings_that_hold_show_no_secret(folder: Path, secret: str) -> None:
    found = load(filled(PLACES, secret), folder, spoken=("drone", "pagure", "launchpad"))
    assert len(found.endpoints) == 4
    shown = f"{found!r}{found}{json.dumps(describe(found))}{[repr(each) for each in found.endpoints]}"
    assert secret not in shown


@settings(deadline=None)  # the disk may be busy
@given(secret=SECRETS, spoilt=st.lists(st.sampled_from(SPOILT), min_size=1, unique=True))
def test_faults_show_no_secret(folder: Path, secret: str, spoilt: list[tuple[str, str]]) -> None:
    environ = filled((*PLACES, *spoilt), secret)
    with pytest.raises(Misconfigured) as caught:
        load(environ, folder)
    shown = "".join(traceback.format_exception(caught.value))
    assert caught.value.faults
    assert secret not in shown


@settings(deadline=None)  # the disk may be busy
@given(secret=SECRETS)
def test_faults_of_files_show_nothing_of_what_is_in_them(folder: Path, secret: str) -> None:
    (folder / "secret").write_text(f"{secret}\nwhsec_{secret}!\n{secret * 2}")
    (folder / ".env").write_text(f'A="{secret}\nSIDECAR_TOKEN={secret}\n{secret}\n')
    files = (
        "DRONE_WEBHOOK_SECRET",
        "SIDECAR_ADMIN_TOKEN",
        "SIDECAR_ENDPOINT_CI_SECRET",
        "SIDECAR_ENDPOINT_CI_SIGNING_KEY",
    )
    with pytest.raises(Misconfigured) as caught:
        load({f"{name}_FILE": "secret" for name in files}, folder)
    (folder / ".env").unlink()
    assert len(caught.value.faults) >= 5
    assert secret not in str(caught.value)
