"""Go's globs and fnmatch's. Law: the table is what Go's own `filepath.Match` answers; no Go is needed to run it."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.dialects.patterns import check_glob, gomatch, refmatch

MATCHES = [
    ("", ""), ("build:created", "build:created"), ("build:*", "build:created"), ("*", "user:deleted"),
    ("*:*", "repo:enabled"), ("*:created", "user:created"), ("build:*", "build:"), ("*", ""), ("**", "abc"),
    ("***c", "abc"), ("a*", "a"), ("a*b*c", "abc"), ("a*b*c", "axxbyyc"), ("*b", "abab"), ("*ab*", "xxabyy"),
    ("a*/b", "axx/b"), ("*/*", "a/b"), ("a/*/c", "a/b/c"), ("?", "a"), ("?", "é"), ("a?c", "a:c"), ("???", "世界é"),
    ("*??", "世"), ("a\nb", "a\nb"), ("*", "a\nb"), ("?", "\n"), ("[abc]", "b"), ("[a-c]", "c"), ("[a-ce-g]", "f"),
    ("[^a]", "b"), ("[^a-c]", "/"), ("[^:]", "b"), ("[!a]", "!"), ("[!a]", "a"), ("[a^]", "^"), ("[é-世]", "丁"),
    ("[\\]]", "]"), ("[\\-]", "-"), ("[x\\-]", "-"), ("[\\^]", "^"), ("[\\\\]", "\\"), ("[a\\]b]c", "]c"),
    ("[*?]", "?"), ("[[]", "["), ("[a-a]", "a"), ("[^\\]]", "x"), ("*[a-c]*", "xxb"), ("[/]", "/"), ("\\*", "*"),
    ("\\a", "a"), ("\\[a]", "[a]"), ("\\\\", "\\"), ("\\?x", "?x"), ("\\é", "é"), ("]", "]"), ("a]", "a]"),
    ("-", "-"), ("^", "^"), ("{a,b}", "{a,b}"), ("repo:[ed]*abled", "repo:disabled"), ("[bu]*:[cu]*", "user:updated"),
]  # fmt: skip

MISSES = [
    ("", "a"), ("a", ""), ("build", "build:created"), ("build:created", "build"), ("repo:*", "user:created"),
    ("BUILD:*", "build:x"), ("*", "a/b"), ("a*", "a/b"), ("*/b", "a/x/b"), ("*", "/"), ("?", "/"), ("a?b", "a/b"),
    ("?", ""), ("??", "a"), ("?", "ab"), ("[a]", ""), ("[a]", "b"), ("[^a]", "a"), ("[^a]", ""), ("[b-a]", "a"),
    ("[b-a]", "b"), ("[!a]", "b"), ("[a]b", "a"), ("a*b", "abc"), ("*a", "ab"), ("\\*", "x"), ("**", "a/b"),
    ("{a,b}", "a"), ("a*b*c", "ac"), ("*b/*", "a/b/c/d"), ("x*y*", "x/y"), ("*a*/b", "a/a/b"),
]  # fmt: skip

BAD = {
    "[": "not closed", "[]": "empty", "[]a]": "empty", "[^]": "empty", "[^": "not closed", "[-]": "no beginning",
    "[-a]": "no beginning", "[x-]": "no end", "[a-b-c]": "no beginning", "[a-": "not closed", "[a": "not closed",
    "[a-b": "not closed", "[\\": "not closed", "[a\\": "not closed", "[\\]": "not closed", "\\": "backslash",
    "ab\\": "backslash", "*[": "not closed", "a*b[": "not closed", "[a]*\\": "backslash", "x[]*": "empty",
    "[]*]": "empty", "[\udcff]": "no character", "build:[created": "not closed",
}  # fmt: skip


@pytest.mark.parametrize(("pattern", "name"), MATCHES)
def test_what_go_matches_matches(pattern: str, name: str) -> None:
    assert check_glob(pattern) == ""
    assert gomatch(pattern, name)


@pytest.mark.parametrize(("pattern", "name"), MISSES)
def test_what_go_does_not_match_does_not(pattern: str, name: str) -> None:
    assert check_glob(pattern) == ""
    assert not gomatch(pattern, name)


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_pattern_is_told_in_words_and_matches_nothing(pattern: str) -> None:
    assert BAD[pattern] in check_glob(pattern)
    for name in ("", "a", pattern, "build:created"):
        assert not gomatch(pattern, name)


def test_the_fault_is_found_wherever_it_stands_in_the_pattern() -> None:
    """A setting is checked without a name: it must not hide behind a part that does not match."""
    assert check_glob("no:*such[") != ""


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 400 + "b", "a" * 4000),
        ("*" * 5000 + "b", "a" * 5000),
        ("*[a-z]" * 300 + "!", "a" * 3000),
        ("?*" * 1000 + "/", "a" * 1500),
        ("[" + "a-z" * 5000 + "]", "A"),
        ("[" * 5000, "["),
        ("\\" * 5001, "\\"),
    ],
    ids=["stars", "row-of-stars", "classes", "queries", "long-class", "brackets", "backslashes"],
)
def test_no_pattern_takes_long(pattern: str, name: str) -> None:
    """Backtracking would not be over before the stars are cold."""
    assert not gomatch(pattern, name)


@given(pattern=st.text("ab/*?[]\\^-é世", max_size=12), name=st.text("ab/-é世", max_size=12))
def test_no_pattern_and_no_name_is_a_surprise(pattern: str, name: str) -> None:
    assert not (gomatch(pattern, name) and check_glob(pattern))


@given(st.text())
def test_every_name_is_matched_by_itself_escaped(name: str) -> None:
    assert gomatch("".join("\\" + letter for letter in name), name)


@given(pattern=st.text(st.characters(codec=None)), name=st.text(st.characters(codec=None)))
def test_what_is_no_unicode_is_no_surprise_either(pattern: str, name: str) -> None:
    gomatch(pattern, name)
    refmatch(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/*", "refs/heads/feature/x", True),
        ("refs/tags/v[0-9]*", "refs/tags/v1.2", True),
        ("refs/tags/v[!0-9]*", "refs/tags/v1.2", False),
        ("refs/tags/v[!0-9]*", "refs/tags/vx", True),
        ("*", "", True),
        ("refs/heads/Main", "refs/heads/main", False),
        ("main", "refs/heads/main", False),
        ("refs/heads/main", "refs/heads/main\n", False),
        ("refs/pull/?/head", "refs/pull/7/head", True),
        ("[", "[", True),
        ("[z-a]", "z", False),
    ],
)
def test_a_ref_matches_as_for_fnmatch(pattern: str, name: str, matches: bool) -> None:
    assert refmatch(pattern, name) is matches


@given(pattern=st.text("ab/*?[]!-&~|", max_size=10), name=st.text("ab/-!", max_size=8))
def test_refs_match_exactly_as_in_the_standard_library(pattern: str, name: str) -> None:
    assert refmatch(pattern, name) == fnmatch.fnmatchcase(name, pattern)


def test_a_hostile_ref_pattern_does_not_take_long() -> None:
    assert not refmatch("*a" * 60 + "b", "a" * 400)
