"""Which forge it was, whether it signed, and whether it was told before. Law: a proof that is wrong is never made good,
and every claim is judged or said to be not."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping

import pytest
from forge_bodies import BITBUCKET, GITEA, GITHUB, GITLAB, JSON, PAGURE, PAGURE_PUSH, body

from sidecar import forges
from sidecar.api import projects
from sidecar.errors import Malformed
from sidecar.forges import Forged, Keys, Signed, Unjudged
from sidecar.projects import ALWAYS

BODY, SECRET, OWN, NOW = b'{"object_kind":"push"}', b"the-project-s-secret", b"K" * 40, 1_700_000_000_000
HEADERS: Mapping[str, Mapping[str, str]] = {
    "github": GITHUB,
    "gitea": GITEA,
    "gitlab": GITLAB,
    "bitbucket": BITBUCKET,
    "pagure": PAGURE,
}


def mac(key: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(key, BODY, algorithm).hexdigest()


def standard(key: bytes, seconds: int = NOW // 1000) -> dict[str, str]:
    text = b"id-1.%d." % seconds + BODY
    signature = "v1," + b64encode(hmac.new(key, text, "sha256").digest()).decode()
    return {"webhook-id": "id-1", "webhook-timestamp": str(seconds), "webhook-signature": signature}


def judged(forge: str, headers: Mapping[str, str], keys: Keys | None = None) -> str:
    """The kind of judgement, and the header where it says which."""
    found = forges.verify(forge, {**HEADERS[forge], **headers}, BODY, keys or Keys((SECRET,)), now=NOW)
    return found.header if isinstance(found, Signed) else type(found).__name__


@pytest.mark.parametrize("name", HEADERS)
def test_a_forge_is_told_by_its_headers_whatever_their_case(name: str) -> None:
    assert forges.which(HEADERS[name]) == name
    assert forges.which({key.upper(): value for key, value in HEADERS[name].items()}) == name


def test_keys_can_be_registered_for_every_forge_and_no_other() -> None:
    assert sorted(projects.FORGES) == sorted(forges.FORGES)


def test_forgejo_and_gogs_are_read_as_gitea() -> None:
    for own in ("X-Forgejo-Event", "X-Gogs-Event"):
        assert forges.which({**GITHUB, own: "push"}) == "gitea"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(JSON, id="no forge's headers"),
        pytest.param({**GITHUB, **GITLAB}, id="two forges' headers"),
        pytest.param({**GITEA, **PAGURE}, id="Gitea's and another's"),
        pytest.param({**JSON, "X-GitHub-Event": ""}, id="an empty header"),
        pytest.param({"X-GitHub-Event": "push", "x-github-event": "ping"}, id="the same header twice"),
        pytest.param({**JSON, "X-Hub-Signature-256": "sha256=x"}, id="a signature alone: several forges have it"),
    ],
)
def test_a_request_of_no_one_forge_is_refused(headers: Mapping[str, str]) -> None:
    with pytest.raises(Malformed):
        forges.which(headers)


def test_the_event_is_shown_as_the_forge_names_it() -> None:
    assert [forges.event(name, HEADERS[name]) for name in HEADERS] == [
        *("push", "push", "Push Hook", "repo:push", "git.receive")
    ]


RIGHT = [
    ("github", "X-Hub-Signature-256", "sha256=" + mac(SECRET)),
    ("gitea", "X-Hub-Signature-256", "sha256=" + mac(SECRET)),
    ("gitea", "X-Gitea-Signature", mac(SECRET)),
    ("gitea", "X-Forgejo-Signature", mac(SECRET)),
    ("gitea", "X-Gogs-Signature", mac(SECRET)),
    ("bitbucket", "X-Hub-Signature", "sha256=" + mac(SECRET)),
    ("gitlab", "X-Gitlab-Token", SECRET.decode()),
]


@pytest.mark.parametrize(("forge", "name", "value"), RIGHT)
def test_where_the_operator_chooses_the_secret_it_is_the_project_s_and_a_wrong_one_is_refused(
    forge: str, name: str, value: str
) -> None:
    assert judged(forge, {name: value}) == name
    assert judged(forge, {name: value}, Keys((b"new", SECRET))) == name, "either of two, while they overlap"
    assert judged(forge, {name: value}, Keys((b"another",), (SECRET,))) == name, "a key that was registered will do"
    assert judged(forge, {name: value}, Keys((b"another",))) == "Forged"
    assert judged(forge, {name: value[:-1] + "z"}) == "Forged"
    assert judged(forge, {name: value.upper()}) != name or value.isupper()


@pytest.mark.parametrize("forge", HEADERS)
def test_without_a_signature_it_is_unsigned(forge: str) -> None:
    assert judged(forge, {}) == "Unsigned"


def test_gitea_without_a_secret_sends_empty_signatures_and_is_unsigned() -> None:
    empty = {"X-Gitea-Signature": "", "X-Hub-Signature": "sha1=", "X-Hub-Signature-256": "sha256="}
    assert judged("gitea", empty) == "Unsigned"


@pytest.mark.parametrize(("forge", "name"), [("pagure", "X-Pagure-Signature-256"), ("gitlab", "webhook-signature")])
def test_where_the_forge_makes_the_key_it_is_checked_with_one_that_is_registered(forge: str, name: str) -> None:
    key = OWN if forge == "pagure" else b"whsec_" + b64encode(OWN)

    def signed(by: bytes) -> dict[str, str]:
        return {name: mac(by)} if forge == "pagure" else standard(by)

    assert judged(forge, signed(OWN), Keys((SECRET,), (key,))) == name
    assert judged(forge, signed(OWN), Keys((SECRET,), (b"old", key))) == name
    assert judged(forge, signed(SECRET), Keys((SECRET,), (key,))) == name, "the project's own secret is accepted too"
    assert judged(forge, signed(SECRET)) == name
    assert judged(forge, signed(OWN), Keys((SECRET,), (b"another",))) == "Forged"
    assert judged(forge, signed(OWN)) == "Unjudged"


def test_what_is_not_judged_says_how_to_have_it_judged() -> None:
    found = forges.verify("pagure", {**PAGURE, "X-Pagure-Signature-256": mac(OWN)}, BODY, Keys((SECRET,)), now=NOW)
    assert isinstance(found, Unjudged)
    assert "--forge-key pagure=" in found.reason


def test_what_is_wrong_says_how_to_mend_it_and_shows_no_key() -> None:
    found = forges.verify(
        "github", {**GITHUB, "X-Hub-Signature-256": "sha256=" + mac(OWN)}, BODY, Keys((SECRET,)), now=0
    )
    assert isinstance(found, Forged)
    assert "must be the project's webhook secret" in found.reason
    assert SECRET.decode() not in repr((found, Keys((SECRET,))))
    assert mac(SECRET) not in found.reason


@pytest.mark.parametrize(
    ("forge", "name", "value"),
    [
        ("github", "X-Hub-Signature", "sha1=" + mac(SECRET, "sha1")),
        ("gitea", "X-Hub-Signature", "sha1=" + mac(SECRET, "sha1")),
        ("pagure", "X-Pagure-Signature", mac(SECRET, "sha1")),
        ("bitbucket", "X-Hub-Signature", "sha1=" + mac(SECRET, "sha1")),
    ],
)
def test_sha_1_alone_is_not_judged(forge: str, name: str, value: str) -> None:
    assert judged(forge, {name: value}) == "Unjudged"


def test_a_signature_is_bound_to_its_prefix_not_to_the_header_s_name() -> None:
    """`X-Hub-Signature` is SHA-1 with GitHub and SHA-256 with Bitbucket."""
    value = "sha256=" + mac(SECRET)
    assert judged("bitbucket", {"X-Hub-Signature": value}) == "X-Hub-Signature"
    assert judged("github", {"X-Hub-Signature": value}) == "Unjudged"


def test_one_wrong_proof_is_not_made_good_by_another_that_is_right() -> None:
    token = {"X-Gitlab-Token": SECRET.decode()}
    keys = Keys((SECRET,), (OWN,))
    assert judged("gitlab", {**token, **standard(OWN)}, keys) == "X-Gitlab-Token"
    assert judged("gitlab", {**token, **standard(b"another")}, keys) == "Forged"
    assert judged("gitlab", {"X-Gitlab-Token": "wrong", **standard(OWN)}, keys) == "Forged"
    assert judged("gitlab", {**token, **standard(b"another")}) == "X-Gitlab-Token", "that one cannot be judged here"


def test_an_old_signature_with_a_time_in_it_is_refused() -> None:
    assert judged("gitlab", standard(OWN, NOW // 1000 - 301), Keys((SECRET,), (OWN,))) == "Forged"


def test_the_published_vector_of_gitlab_s_signing_token_is_right() -> None:
    headers = {
        "webhook-id": "id-1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,vIelQarkh4aJlNm+Bqg5fLIVsWkvDwz0/+3mjcfgqg4=",
    }
    key = b"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert judged("gitlab", headers, Keys((SECRET,), (key,))) == "webhook-signature"


def test_a_key_that_is_no_base64_is_none() -> None:
    assert judged("gitlab", standard(OWN), Keys((b"whsec_!",), (b"whsec_!",))) == "Forged"


def test_an_empty_key_signs_nothing() -> None:
    assert judged("github", {"X-Hub-Signature-256": "sha256=" + mac(b"")}, Keys((b"",), (b"",))) == "Forged"
    assert judged("gitlab", {"X-Gitlab-Token": "x"}, Keys((b"",))) == "Forged"


def test_characters_of_no_alphabet_are_wrong_and_nothing_worse() -> None:
    for forge, name, _ in RIGHT:
        for value in ("é", "\udcff", "sha256=\udcff"):
            assert judged(forge, {name: value}) in {"Forged", "Unjudged"}


@pytest.mark.parametrize("forge", ["github", "gitea", "gitlab", "bitbucket"])
def test_a_delivery_is_known_by_the_forge_s_id_whatever_the_body(forge: str) -> None:
    first = forges.delivery(forge, HEADERS[forge], b"one")
    assert first == forges.delivery(forge, HEADERS[forge], b"two")
    assert first.within == ALWAYS
    assert forge in first.key


def test_pagure_s_id_is_in_the_body_alone() -> None:
    first = forges.delivery("pagure", PAGURE, body(PAGURE_PUSH))
    assert first == forges.delivery("pagure", {**PAGURE, "X-Pagure-Topic": "x"}, body(PAGURE_PUSH, i=8))
    assert first != forges.delivery("pagure", PAGURE, body(PAGURE_PUSH, msg_id="2026-other"))
    assert first.within == ALWAYS


@pytest.mark.parametrize("forge", HEADERS)
def test_without_an_id_a_repeat_is_known_by_its_body_for_an_hour(forge: str) -> None:
    bare = {name: value for name, value in HEADERS[forge].items() if name.endswith(("-Event", "-Key", "Topic"))}
    bare.pop("Idempotency-Key", None)
    first = forges.delivery(forge, bare, b"one")
    assert first == forges.delivery(forge, bare, b"one")
    assert first != forges.delivery(forge, bare, b"two")
    assert first.within == 3_600_000


def test_ids_of_two_forges_are_never_the_same_and_a_long_one_is_cut() -> None:
    ids = [
        forges.delivery("github", {"X-GitHub-Delivery": "1"}, b""),
        forges.delivery("gitea", {"X-Gitea-Delivery": "1"}, b""),
    ]
    assert ids[0] != ids[1]
    long = forges.delivery("github", {"X-GitHub-Delivery": "x" * 9999}, b"")
    assert len(long.key) < 150
    assert hashlib.sha256(b"x" * 9999).hexdigest() in long.key
