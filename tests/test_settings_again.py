"""What reading the settings again brings. Law: real files in a folder; the environment of a process never changes, so
every change comes of `.env` or of a file that it names."""

from pathlib import Path

import pytest
from signing_keys import OLD_KEY, pem

from sidecar.errors import Misconfigured
from sidecar.model import Endpoint, Secret
from sidecar.settings import Change, Configuration
from sidecar.settings.again import RELOADED

OLD, NEW = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
ENV = {
    "DRONE_WEBHOOK_ENDPOINT": "https://ci.example/a,https://ci.example/b",
    "DRONE_WEBHOOK_SECRET_FILE": "secret",
    "SIDECAR_ENDPOINT_CI_URL": "https://ci.example/",
    "SIDECAR_ENDPOINT_CI_SECRET": OLD,
    "SIDECAR_ENDPOINT_CI_HEADERS": "X-Token: old",
    "SIDECAR_ENDPOINT_CI_SIGNING_KEY_FILE": "key.pem",
}


class House:
    """A folder with `.env` and what it names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = dict(ENV)
        self.write("secret", OLD)
        self.write("key.pem", pem().decode())
        self.set()
        self.configuration = Configuration({"SIDECAR_TIMEOUT": "7s"}, folder)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def set(self, **variables: str | None) -> None:
        self.env |= {name: value for name, value in variables.items() if value is not None}
        for name in [name for name, value in variables.items() if value is None]:
            del self.env[name]
        self.write(".env", "".join(f"{name}='{value}'\n" for name, value in self.env.items()))

    def again(self, **variables: str | None) -> Change:
        """The change, taken."""
        self.set(**variables)
        change = self.configuration.again()
        self.configuration.taken(change)
        return change


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def named(change: Change, name: str) -> Endpoint:
    return next(one for one in change.endpoints if one.name == name)


def test_what_a_drone_server_must_have_signed_with_follows_the_secret_that_it_defaults_to(house: House) -> None:
    assert not house.again().relayed
    house.write("secret", NEW)
    change = house.again()
    assert (change.relayed, change.relay_secrets, change.pending) == (True, (Secret(NEW.encode()),), ())
    change = house.again(SIDECAR_RELAY_SECRET=OLD)
    assert (change.relayed, change.relay_secrets, change.pending) == (True, (Secret(OLD.encode()),), ())
    house.write("token", "old")
    assert house.again(SIDECAR_ADMIN_TOKEN_FILE="token").pending == ("SIDECAR_ADMIN_TOKEN_FILE",)


def test_nothing_changed_is_no_change(house: House) -> None:
    change = house.again()
    assert (change.changed, change.pending, change.warnings) == ({}, (), ())
    assert change.endpoints == house.configuration.settings.endpoints


def test_a_familys_secret_file_is_read_for_each_of_its_endpoints(house: House) -> None:
    house.write("secret", f"{NEW}\n{OLD}\n")
    change = house.again()
    assert change.changed == {"ci.example-a": ("secrets",), "ci.example-b": ("secrets",)}
    assert named(change, "ci.example-a").secrets == (Secret(NEW.encode()), Secret(OLD.encode()))
    assert house.again().changed == {}


def test_secrets_keys_schemes_filters_and_values_of_headers_are_taken_over(house: House) -> None:
    house.write("key.pem", (pem(OLD_KEY) + pem()).decode())
    prefix = "SIDECAR_ENDPOINT_CI_"
    wanted = {"SECRET": NEW, "HEADERS": "x-token: new", "EVENTS": "build:*", "REFS": "refs/*", "SIGNATURES": "rfc9421"}
    change = house.again(**{f"{prefix}{name}": value for name, value in wanted.items()})
    assert set(change.changed["ci"]) == set(RELOADED)
    assert change.pending == ()
    one = named(change, "ci")
    assert (one.signatures, one.events, one.refs, one.headers) == (
        ("rfc9421",),
        ("build:*",),
        ("refs/*",),
        (("x-token", "new"),),
    )
    assert len(one.signing_keys) == 2


def test_what_cannot_change_while_it_runs_is_named_until_the_next_start(house: House) -> None:
    wanted = {
        "SIDECAR_RETENTION": "9d",
        "SIDECAR_ENDPOINT_CI_TIMEOUT": "9s",
        "SIDECAR_ENDPOINT_CI_HEADERS": "X-Other: old",
        "SIDECAR_ENDPOINT_NEW_URL": "https://new.example/",
        "SIDECAR_ENDPOINT_NEW_SECRET": NEW,
        "DRONE_WEBHOOK_ENDPOINT": "https://ci.example/a",
        "UNRELATED": "x",
    }
    names = tuple(sorted(wanted.keys() - {"UNRELATED"}))
    for _ in range(2):
        change = house.again(**wanted)
        assert (change.changed, change.pending) == ({}, names)
        assert change.endpoints == house.configuration.settings.endpoints
    assert house.again(**{name: ENV.get(name) for name in names}).pending == ()


def test_what_the_environment_sets_does_not_change_by_a_dotenv(house: House) -> None:
    assert house.again(SIDECAR_TIMEOUT="9s").pending == ()


@pytest.mark.parametrize("url", ["https://other.example/", None])
def test_an_endpoint_that_is_to_go_elsewhere_keeps_its_old_secret_until_it_does(house: House, url: str | None) -> None:
    """Signed with the new one, the old place would refuse it."""
    gone = {"SIDECAR_ENDPOINT_CI_HEADERS": None, "SIDECAR_ENDPOINT_CI_SIGNING_KEY_FILE": None} if url is None else {}
    change = house.again(SIDECAR_ENDPOINT_CI_URL=url, SIDECAR_ENDPOINT_CI_SECRET=NEW if url else None, **gone)
    assert change.changed == {}
    assert named(change, "ci").secrets == (Secret(OLD.encode()),)
    assert {"SIDECAR_ENDPOINT_CI_SECRET", "SIDECAR_ENDPOINT_CI_URL"} <= set(change.pending)


def test_one_fault_keeps_all_as_it_is(house: House) -> None:
    house.write("secret", "")
    house.set(SIDECAR_ENDPOINT_CI_EVENTS="build:*")
    with pytest.raises(Misconfigured, match="DRONE_WEBHOOK_SECRET_FILE: 'secret' is empty"):
        house.configuration.again()
    house.write("secret", NEW)
    assert house.again().changed.keys() == {"ci.example-a", "ci.example-b", "ci"}


def test_a_new_warning_is_told_and_an_old_one_is_not(house: House) -> None:
    house.write("secret", "short")
    assert [line.partition(":")[0] for line in house.again().warnings] == ["DRONE_WEBHOOK_SECRET_FILE"]


def test_no_repr_shows_a_secret(house: House) -> None:
    change = house.again(SIDECAR_ENDPOINT_CI_SECRET=NEW)
    assert NEW not in repr(change)
    assert NEW not in repr(house.configuration)
