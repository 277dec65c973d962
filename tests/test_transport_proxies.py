"""Which proxy leads where. Law: rows of URL, NO_PROXY, and whether the proxy is spared."""

import pytest

from sidecar.transport import choose_proxy

HTTP, HTTPS = "http://plain:3128", "http://secure:3128"

SPARED = [
    ("http://hooks.example/", "*"),
    ("http://hooks.example/", "hooks.example"),
    ("http://hooks.example/", ".hooks.example"),
    ("http://HOOKS.example/", " Hooks.Example "),
    ("http://hooks.example./", "hooks.example"),
    ("http://a.hooks.example/", "hooks.example"),
    ("http://a.hooks.example/", ".hooks.example"),
    ("http://a.hooks.example/", "*.hooks.example"),
    ("http://hooks.example:8080/", "hooks.example:8080"),
    ("http://hooks.example/", "hooks.example:80"),
    ("https://hooks.example/", "hooks.example:443"),
    ("http://user:pass@hooks.example/?q", "hooks.example"),
    ("http://10.1.2.3/", "10.1.2.3"),
    ("http://10.1.2.3:8080/", "10.1.2.3:8080"),
    ("http://10.1.2.3/", "10.0.0.0/8"),
    ("http://[::1]/", "::1"),
    ("http://[::1]/", "[::1]"),
    ("http://[::1]:8080/", "[::1]:8080"),
    ("http://[0:0::1]/", "::1"),
    ("http://[fd00::1]/", "fd00::/8"),
]

NOT_SPARED = [
    ("http://hooks.example/", ""),
    ("http://hooks.example/", "."),
    ("http://hooks.example/", "other.example"),
    ("http://myhooks.example/", "hooks.example"),
    ("http://example/", "hooks.example"),
    ("http://hooks.example:8080/", "hooks.example:80"),
    ("http://hooks.example/", "hooks.example:443"),
    ("http://10.1.2.3/", "2.3"),
    ("http://10.1.2.3/", "10.1.2.4"),
    ("http://10.1.2.3/", "192.168.0.0/16"),
    ("http://10.1.2.3/", "10.0.0.0/99"),
    ("http://[::1]/", "127.0.0.1"),
    ("http://hooks.example/", "10.0.0.0/8"),
]


@pytest.mark.parametrize(("url", "entry"), SPARED)
def test_no_proxy_spares_the_proxy(url: str, entry: str) -> None:
    assert choose_proxy(url, HTTP, HTTPS, ["elsewhere.example", entry]) == ""


@pytest.mark.parametrize(("url", "entry"), NOT_SPARED)
def test_and_nothing_else(url: str, entry: str) -> None:
    assert choose_proxy(url, HTTP, HTTPS, ["elsewhere.example", entry]) == HTTP


def test_each_scheme_has_its_own() -> None:
    assert choose_proxy("http://hooks.example/", HTTP, HTTPS, ()) == HTTP
    assert choose_proxy("https://hooks.example/", HTTP, HTTPS, ()) == HTTPS
    assert choose_proxy("https://hooks.example/", HTTP, "", ()) == ""
