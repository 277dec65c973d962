"""What endpoints are called.

Law: what is owed to an endpoint is kept under its name, so a name must not change with the order of a list, and no two
endpoints may share one.
"""

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.settings import load
from sidecar.settings.urls import names

KEY = "0123456789abcdef0123456789abcdef"


def digits(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:6]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ci.example/hooks", "ci.example-hooks"),
        ("https://ci.example", "ci.example"),
        ("https://ci.example/", "ci.example"),
        ("http://CI.Example/Hooks/Drone/", "ci.example-hooks-drone"),
        ("http://ci.example:8080/", "ci.example-8080"),
        ("https://ci.example:443/a", "ci.example-a"),
        ("http://ci.example:443/a", "ci.example-443-a"),
        ("https://xn--bcher-kva.example/~a_b/%20c", "xn--bcher-kva.example-a-b-20c"),
        ("https://ci.example/../etc/passwd", "ci.example-..-etc-passwd"),
        ("http://[2001:db8::1]:8080/x", "2001-db8-1-8080-x"),
        ("http://10.0.0.1/x.y-z", "10.0.0.1-x.y-z"),
        ("https://ci.example/?", f"ci.example-{digits('https://ci.example/?')}"),
        ("https://ci.example/a?b=c", f"ci.example-a-{digits('https://ci.example/a?b=c')}"),
        ("https://ci.example?b", f"ci.example-{digits('https://ci.example?b')}"),
        ("https://u:p@ci.example/a", f"ci.example-a-{digits('https://u:p@ci.example/a')}"),
    ],
)
def test_an_endpoint_is_named_after_host_port_and_path(url: str, name: str) -> None:
    assert names([("drone", url)]) == [name]


def test_the_name_of_another_dialects_endpoint_begins_with_it() -> None:
    url = "https://ci.example/hooks"
    assert names([("drone", url), ("pagure", url), ("launchpad", url)]) == [
        "ci.example-hooks",
        "pagure-ci.example-hooks",
        "launchpad-ci.example-hooks",
    ]


def test_rivals_for_a_name_all_get_their_digits() -> None:
    urls = ["https://ci.example/a/b", "https://ci.example/a-b", "https://ci.example/c"]
    assert names([("drone", url) for url in urls]) == [
        f"ci.example-a-b-{digits(urls[0])}",
        f"ci.example-a-b-{digits(urls[1])}",
        "ci.example-c",
    ]


def test_a_name_that_looks_like_one_with_digits_gets_its_own() -> None:
    first = "https://ci.example/a?b"
    second = f"https://ci.example/a/{digits(first)}"
    assert names([("drone", second), ("drone", first)]) == [
        f"ci.example-a-{digits(first)}-{digits(second)}",
        f"ci.example-a-{digits(first)}",
    ]


URLS = st.builds(
    "{}://{}{}{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["", "u:p@"]),
    st.sampled_from(["a", "a.b", "A", "a-80", "[::1]", "x_y", "pagure-a"]),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.text("ab-/._~A", max_size=4),
    st.sampled_from(["", "?", "?q=a"]),
)
LISTED = st.lists(st.tuples(st.sampled_from(["drone", "pagure"]), URLS), min_size=1, max_size=8, unique=True)


@settings(deadline=None)  # the machine may be busy
@given(LISTED.flatmap(lambda listed: st.tuples(st.just(listed), st.permutations(listed))))
def test_a_changed_order_changes_no_name(orders: tuple[list[tuple[str, str]], list[tuple[str, str]]]) -> None:
    before, after = (dict(zip(order, names(order), strict=True)) for order in orders)
    assert before == after


@settings(deadline=None)  # the machine may be busy
@given(LISTED)
def test_names_are_unique_and_plain(listed: list[tuple[str, str]]) -> None:
    found = names(listed)
    assert len(set(found)) == len(listed)
    assert all(re.fullmatch("[a-z0-9.-]+", name) for name in found)


def test_a_named_endpoint_is_shown_in_lower_case_with_dashes(tmp_path: Path) -> None:
    environ = {"SIDECAR_SOCKET": "/run/sidecar.sock"}
    for name in ("B", "A__B", "A_SECRET", "X_URL_2"):
        environ |= {f"SIDECAR_ENDPOINT_{name}_URL": "https://ci.example/", f"SIDECAR_ENDPOINT_{name}_SECRET": KEY}
    assert [endpoint.name for endpoint in load(environ, tmp_path).endpoints] == ["a-secret", "a--b", "b", "x-url-2"]


def test_endpoints_of_a_dialect_that_is_not_spoken_count_for_names(tmp_path: Path) -> None:
    environ = {
        "SIDECAR_SOCKET": "/run/sidecar.sock",
        "DRONE_WEBHOOK_ENDPOINT": "https://launchpad-a/b",
        "DRONE_WEBHOOK_SECRET": KEY,
        "LAUNCHPAD_WEBHOOK_ENDPOINT": "https://a/b",
    }
    ours = load(environ, tmp_path, spoken=("drone",)).endpoints
    assert ours == load(environ, tmp_path, spoken=("drone", "launchpad")).endpoints[:1]
    assert ours[0].name == f"launchpad-a-b-{digits('https://launchpad-a/b')}"
