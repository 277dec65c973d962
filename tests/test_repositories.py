"""One repository has many URLs. Law: whatever way two of them are written, they are the same or they are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.repositories import normal, public

ONE = [
    "https://git.example/rpms/nano",
    "https://git.example/rpms/nano.git",
    "https://git.example/rpms/nano/",
    "https://git.example/rpms/nano.git/",
    "https://git.example//rpms//nano.git",
    "http://git.example/rpms/nano",
    "https://Git.Example/rpms/nano",
    "https://git.example./rpms/nano",
    "https://ana@git.example/rpms/nano.git",
    "https://ana:password@git.example:8443/rpms/nano.git",
    "https://git.example/rpms/nano.git?x=1#readme",
    "ssh://git@git.example/rpms/nano.git",
    "ssh://git@git.example:2222/rpms/nano.git",
    "git+ssh://git@git.example/rpms/nano.git",
    "git://git.example/rpms/nano.git",
    "git@git.example:rpms/nano.git",
    "git@git.example:/rpms/nano.git",
    "git.example:rpms/nano",
    "git.example/rpms/nano",
    "  https://git.example/rpms/nano.git\n",
]


@pytest.mark.parametrize("url", ONE)
def test_every_form_of_a_url_is_the_same_repository(url: str) -> None:
    assert normal(url) == "git.example/rpms/nano"


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/rpms/nano2",
        "https://git.example/rpms/Nano",
        "https://git.example/other/rpms/nano",
        "https://git.example.org/rpms/nano",
        "https://notgit.example/rpms/nano",
        "https://git.example@evil.example/rpms/nano",
        "https://evil.example/git.example/rpms/nano",
        "https://git.example/rpms/nano.git.git",
        "https://git.example:rpms/nano@evil.example/x",
    ],
)
def test_another_repository_is_another_however_alike(url: str) -> None:
    assert normal(url) != "git.example/rpms/nano"


@pytest.mark.parametrize("url", ["", "/srv/git/nano.git", "https://", "https://git.example", "https:///rpms/nano", "."])
def test_what_has_no_host_or_no_path_is_no_repository(url: str) -> None:
    assert not normal(url)


@pytest.mark.parametrize(
    ("by_443", "usual"),
    [
        ("ssh://git@ssh.github.com:443/o/r.git", "https://github.com/o/r"),
        ("ssh://git@altssh.gitlab.com:443/o/r.git", "git@gitlab.com:o/r.git"),
        ("ssh://git@altssh.bitbucket.org:443/o/r.git", "https://bitbucket.org/o/r"),
    ],
)
def test_ssh_on_port_443_is_the_same_forge(by_443: str, usual: str) -> None:
    assert normal(by_443) == normal(usual)


def test_a_host_that_is_an_address_keeps_its_brackets() -> None:
    assert normal("ssh://git@[2001:DB8::1]:2222/o/r.git") == normal("git@[2001:db8::1]:o/r") == "[2001:db8::1]/o/r"


word = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=8)
hosts = st.lists(st.text("abcdefghij", min_size=1, max_size=5), min_size=2, max_size=3).map(".".join)
paths = st.lists(word, min_size=1, max_size=4).map("/".join)
forms = st.sampled_from(
    [
        "https://{host}/{path}",
        "http://{user}@{host}/{path}",
        "https://{user}:{password}@{host}:{port}/{path}",
        "ssh://{user}@{host}:{port}/{path}",
        "git://{host}/{path}",
        "{user}@{host}:{path}",
        "{user}@{host}:/{path}",
    ]
)
ends = st.sampled_from(["", "/", ".git", ".git/"])


@given(hosts, paths, forms, forms, ends, ends, word, st.integers(1, 65535), st.booleans())
def test_any_two_ways_to_write_a_repository_are_the_same(  # noqa: PLR0917 # hypothesis hands them in order
    host: str, path: str, form: str, other: str, end: str, another: str, user: str, port: int, shout: bool
) -> None:
    facts = {"user": user, "password": "x", "port": port}
    first = form.format(host=host, path=path, **facts) + end
    second = other.format(host=host.upper() if shout else host, path=path, **facts) + another
    assert normal(first) == normal(second) == f"{host}/{path}"


@given(st.tuples(hosts, paths, forms), st.tuples(hosts, paths, forms))
def test_two_repositories_are_never_the_same(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    written = [
        form.format(host=host, path=path, user="git", password="x", port=22) for host, path, form in (one, other)
    ]
    assert (normal(written[0]) == normal(written[1])) == (one[:2] == other[:2])


@given(st.text(max_size=60))
def test_any_text_has_a_host_and_a_path_or_is_none(text: str) -> None:
    host, _, path = normal(text).partition("/")
    assert bool(host) == bool(path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ana:password@git.example/o/r.git?token=1#x", "https://git.example/o/r.git"),
        ("https://token@git.example/o/r.git", "https://git.example/o/r.git"),
        ("ssh://git:password@git.example/o/r.git", "ssh://git@git.example/o/r.git"),
        ("git@git.example:o/r.git", "git@git.example:o/r.git"),
    ],
)
def test_a_url_is_passed_on_without_what_is_secret_in_it(url: str, shown: str) -> None:
    assert public(url) == shown
