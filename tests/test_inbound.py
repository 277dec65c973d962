"""What forges post: verified, built, remembered, answered. Law: real files and sockets; bodies as forges send them."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from forge_bodies import (
    BITBUCKET,
    BITBUCKET_PUSH,
    GITHUB,
    GITHUB_PULL,
    GITHUB_PUSH,
    GITHUB_TAG,
    GITLAB,
    GITLAB_PUSH,
    NEW,
    OLD,
    PAGURE,
    PAGURE_PUSH,
    body,
)
from inbound_rig import NANO, SECRET, SOUL, Answer, Post, listening
from structlog.testing import capture_logs

from sidecar.model import Posting, Secret
from sidecar.projects import Package, Project

PUSH = body(GITHUB_PUSH)
FORM = {**GITHUB, "Content-Type": "application/x-www-form-urlencoded"}
MINUTE = 60_000


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Post]:
    async with listening(tmp_path) as made:
        yield made


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    return {**GITHUB, "X-Hub-Signature-256": "sha256=" + hmac.digest(secret.encode(), raw, "sha256").hex()}


async def test_a_push_builds_the_package_and_says_so_once_the_event_is_on_disk(it: Post) -> None:
    answer = await it.post(PUSH)
    [event] = await it.events()
    assert answer.status == 202
    assert answer.json == {
        "builds": [{"package": "nano", "build": 1, "event": event.id}],
        "skipped": [
            {
                "package": "soul",
                "reason": "its clone_url is github.com/rpms/soul, the webhook is for github.com/rpms/nano",
            }
        ],
    }
    sent = json.loads(event.body)
    assert (event.name, event.subject) == ("build:created", "@rpms/tools/nano")
    assert sent["repo"]["slug"] == "@rpms/tools/nano"
    build = sent["build"]
    assert (build["number"], build["event"], build["before"], build["after"]) == (1, "push", OLD, NEW)
    assert build["trigger"] == "@hook"
    assert build["params"] == {
        "package": "nano",
        "project": "@rpms/tools",
        "chroots": "fedora-44-x86_64",
        "subdirectory": "",
        "background": "true",
        "clone_url": "https://github.com/rpms/nano",
        "committish": NEW,
    }


@pytest.mark.parametrize("path", [f"/{SECRET}", f"/{SECRET}/", f"/{SECRET}/nano", f"/{SECRET}/nano/"])
async def test_the_url_may_end_with_a_slash_and_may_name_one_package(it: Post, path: str) -> None:
    answer = await it.post(PUSH, path=path)
    assert (answer.status, answer.json["builds"][0]["package"]) == (202, "nano")
    assert len(answer.json["skipped"]) == ("nano" not in path)


@pytest.mark.parametrize(
    ("headers", "document", "forge"),
    [
        (GITHUB, GITHUB_PUSH, "github"),
        (GITLAB, GITLAB_PUSH, "gitlab"),
        (BITBUCKET, BITBUCKET_PUSH, "bitbucket"),
        (PAGURE, PAGURE_PUSH, "pagure"),
    ],
)
async def test_every_forge_s_push_builds(tmp_path: Path, headers: dict[str, str], document: Any, forge: str) -> None:
    hosts = {"github": "github.com", "gitlab": "gitlab.example", "bitbucket": "bitbucket.org", "pagure": "pg.example"}
    package = Package("nano", f"https://{hosts[forge]}/rpms/nano", "", "", webhook_rebuild=True)
    async with listening(tmp_path, packages=[package]) as it:
        answer = await it.post(body(document), headers)
        assert (answer.status, answer.json["skipped"]) == (202, [])
        logged = await it.logged()
        assert (logged.forge, logged.outcome, logged.answer) == (forge, "built", answer.body)


async def test_the_same_delivery_again_is_answered_alike_and_builds_nothing(it: Post) -> None:
    first = await it.post(PUSH)
    it.clock.advance(24 * 60 * MINUTE)
    second = await it.post(PUSH)
    assert (second.status, second.body) == (first.status, first.body)
    other = await it.post(PUSH, {**GITHUB, "X-GitHub-Delivery": "another"})
    assert other.json["builds"][0]["build"] == 2
    assert len(await it.events()) == 2
    logged = await it.hooks.page(10, 0)
    assert [(one.times, one.delivery) for one in logged] == [(1, "another"), (2, GITHUB["X-GitHub-Delivery"])]


async def test_a_delivery_that_built_nothing_is_looked_at_anew_once_the_package_is_mended(it: Post) -> None:
    await it.projects.edit("@rpms", "tools", chroots=())
    assert (await it.post(PUSH)).status == (await it.post(PUSH)).status == 200
    logged = await it.logged()
    assert (logged.outcome, logged.times) == ("nothing", 2)
    await it.projects.edit("@rpms", "tools", chroots=("fedora-44-x86_64",))
    assert (await it.post(PUSH)).json["builds"][0]["build"] == 1


async def test_of_the_same_delivery_many_times_at_once_one_is_the_first(it: Post) -> None:
    answers = await asyncio.gather(*(it.post(PUSH) for _ in range(20)))
    assert {(answer.status, answer.body) for answer in answers} == {(202, answers[0].body)}
    assert len(await it.events()) == 1


async def test_a_tag_that_is_pushed_and_created_is_built_once(it: Post) -> None:
    tag = body(GITHUB_PUSH, ref="refs/tags/nano-1.2", base_ref="refs/heads/main", created=True)
    first = await it.post(tag)
    assert first.json["builds"][0]["build"] == 1
    second = await it.post(body(GITHUB_TAG), {**GITHUB, "X-GitHub-Event": "create", "X-GitHub-Delivery": "other"})
    assert (second.status, second.json["builds"]) == (200, [])
    assert second.json["skipped"][-1] == {"package": "nano", "reason": "is build 1 already, by another delivery"}
    assert len(await it.events()) == 1


async def test_one_delivery_at_two_urls_builds_a_package_once(it: Post) -> None:
    first = await it.post(PUSH)
    second = await it.post(PUSH, path=f"/{SECRET}/nano/")
    assert second.json["builds"] == first.json["builds"]
    assert len(await it.events()) == 1


async def test_a_delivery_without_an_id_is_the_same_for_an_hour_and_another_after_it(it: Post) -> None:
    nameless = {name: value for name, value in GITHUB.items() if name != "X-GitHub-Delivery"}
    first = await it.post(PUSH, nameless)
    it.clock.advance(59 * MINUTE)
    assert (await it.post(PUSH, nameless)).body == first.body
    it.clock.advance(2 * MINUTE)
    assert (await it.post(PUSH, nameless)).json["builds"][0]["build"] == 2
    assert len(await it.events()) == 2


async def test_what_was_stored_before_a_crash_is_found_again_and_not_built_twice(it: Post) -> None:
    """As if the process had died between the event and the memory of it: the memory is taken away."""
    first = await it.post(PUSH)
    await it.hooks._file.change(lambda db: db.execute("DELETE FROM hooks").fetchall())
    await it.projects.edit("@rpms", "tools", chroots=("edited-since",))
    again = await it.post(PUSH)
    assert (again.status, again.body) == (202, first.body)
    assert len(await it.events()) == 1


async def test_nothing_is_built_without_a_reason(it: Post) -> None:
    for raw, headers, reason in (
        (b'{"zen": "Design for failure.", "hook_id": 1}', {**GITHUB, "X-GitHub-Event": "ping"}, "ping"),
        (body(GITHUB_PUSH), {**GITHUB, "X-GitHub-Event": "issues"}, "issues"),
    ):
        answer = await it.post(raw, {**headers, "X-GitHub-Delivery": reason})
        assert (answer.status, answer.json["builds"], answer.json["skipped"]) == (200, [], [])
        assert reason in answer.json["reason"]
    other = await it.post(body(GITHUB_PUSH, ref="refs/heads/other"), {**GITHUB, "X-GitHub-Delivery": "o"})
    assert (other.status, other.json["builds"]) == (200, [])
    assert "branch other is not its committish" in other.json["skipped"][0]["reason"]
    pull = await it.post(body(GITHUB_PULL), {**GITHUB, "X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "p"})
    assert "does not build pull requests" in pull.json["skipped"][0]["reason"]
    named = await it.post(PUSH, {**GITHUB, "X-GitHub-Delivery": "n"}, f"/{SECRET}/none/")
    assert named.json["reason"] == "@rpms/tools has no package none"
    assert await it.events() == []
    assert {one.outcome for one in await it.hooks.page(10, 0)} == {"nothing"}


async def test_a_wrong_secret_and_an_unknown_project_get_the_same_answer_as_late(it: Post) -> None:
    wrong = await it.post(PUSH, path="/another/")
    unknown = await it.ask("POST", f"/webhooks/@rpms/none/{SECRET}/", data=PUSH, headers=GITHUB)
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert wrong.status == 403
    assert it.clock.waited == [250, 500]
    logged = await it.hooks.page(10, 0)
    assert [(one.project, one.reason) for one in logged] == [
        ("", "there is no such project"),
        ("@rpms/tools", "another secret"),
    ]
    assert not any(SECRET in repr(one) for one in logged)


async def test_a_right_secret_is_taken_at_once_whatever_was_wrong_before_it(it: Post) -> None:
    for _ in range(20):
        await it.post(PUSH, path="/another/")
    assert max(it.clock.waited) == 5000
    assert it.told == [("127.0.0.1", count) for count in (1, 2, 4, 8, 16)]
    waited = len(it.clock.waited)
    assert (await it.post(PUSH)).status == 202
    assert len(it.clock.waited) == waited


async def test_a_new_secret_is_good_at_once_and_the_old_one_as_long_as_was_said(it: Post) -> None:
    await it.projects.grant("@rpms", "tools", Secret(b"new"), now=it.clock.now(), overlap=MINUTE)
    assert (await it.post(PUSH, path="/new/")).status == 202
    assert (await it.post(PUSH)).status == 202
    it.clock.advance(MINUTE)
    assert (await it.post(PUSH)).status == 403


async def test_a_project_without_a_secret_lets_nobody_in(it: Post) -> None:
    await it.projects.add(Project(0, "@rpms", "new"))
    for secret in ("x", "no project has this secret, which has as many characters"):
        assert (await it.ask("POST", f"/webhooks/@rpms/new/{secret}/", data=PUSH, headers=GITHUB)).status == 403
    assert (await it.logged()).reason == "no secret is generated yet"


@pytest.mark.parametrize(
    ("headers", "status", "signature"),
    [
        (signed(PUSH), 202, "signed: X-Hub-Signature-256"),
        (GITHUB, 202, "not signed"),
        (signed(PUSH, "another"), 403, "wrong"),
        (signed(PUSH + b" "), 403, "wrong"),
    ],
)
async def test_what_a_forge_has_signed_is_checked(
    it: Post, headers: dict[str, str], status: int, signature: str
) -> None:
    answer = await it.post(PUSH, headers)
    assert answer.status == status
    assert (await it.logged()).signature == signature


async def test_a_key_of_the_forge_s_own_is_not_judged_until_it_is_registered(it: Post) -> None:
    raw = body(PAGURE_PUSH)
    mark = {"X-Pagure-Signature-256": hmac.digest(b"PAGURES-OWN", raw, "sha256").hex()}
    await it.projects.put_package(
        "@rpms", "tools", Package("pg", "https://pg.example/rpms/nano", "", "", webhook_rebuild=True), new=True
    )
    assert (await it.post(raw, {**PAGURE, **mark})).status == 202
    assert (await it.logged()).signature.startswith("not judged: X-Pagure-Signature-256")
    await it.projects.edit("@rpms", "tools", forge_keys={"pagure": (Secret(b"PAGURES-OWN"),)})
    await it.post(body(PAGURE_PUSH, msg_id="2026-2"), {**PAGURE, **mark})
    assert (await it.logged()).outcome == "refused", "signed for another body"
    other = body(PAGURE_PUSH, msg_id="2026-3")
    mark = {"X-Pagure-Signature-256": hmac.digest(b"PAGURES-OWN", other, "sha256").hex()}
    assert (await it.post(other, {**PAGURE, **mark})).status == 202
    assert (await it.logged()).signature == "signed: X-Pagure-Signature-256"
    own = body(PAGURE_PUSH, msg_id="2026-4")
    mark = {"X-Pagure-Signature-256": hmac.digest(SECRET.encode(), own, "sha256").hex()}
    assert (await it.post(own, {**PAGURE, **mark})).status == 202, "the project's own secret will do too"


async def test_where_a_signature_is_required_what_has_none_or_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    async with listening(tmp_path, require_signature=True) as it:
        assert (await it.post(PUSH, signed(PUSH))).status == 202
        for raw, headers, found in (
            (PUSH, GITHUB, "not signed"),
            (body(PAGURE_PUSH), {**PAGURE, "X-Pagure-Signature-256": "0" * 64}, "not judged"),
        ):
            answer = await it.post(raw, headers)
            assert answer.status == 403
            assert "SIDECAR_REQUIRE_FORGE_SIGNATURE" in answer.json["detail"]
            assert (await it.logged()).signature.startswith(found)
        assert len(await it.events()) == 1


async def test_draining_or_full_it_says_when_to_come_again_and_remembers_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path, packages=[NANO]) as it:
        raw = b'{"action":"created","repo":{"slug":"a"},"build":{"number":1,"message":"%b"}}' % (b"x" * (2**20 - 200))
        filler = it.parts.drone.read(raw, id="filler", now=it.clock.now(), instance=it.parts.instance)
        await it.outbox.add([Posting(filler, ("other",))])
        full = await it.post(PUSH)
        assert (full.status, "Retry-After" in full.headers) == (503, True)
        assert (await it.logged()).outcome == "refused"
        [claim] = (await it.outbox.claim("other", 1, it.clock.now(), 0)).claims
        await it.outbox.abandon([claim.delivery])
        await it.outbox.expire("other", it.clock.now() + 1, it.clock.now(), 10)
        assert (await it.post(PUSH)).json["builds"][0]["build"] == 1, "and the number is the one it had"
        it.gate.drain()
        draining = await it.post(PUSH, {**GITHUB, "X-GitHub-Delivery": "later"})
        assert (draining.status, draining.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"{", GITHUB, 400),
        (b"[]", GITHUB, 422),
        (b"{}", GITHUB, 422),
        (b"null", GITLAB, 422),
        (PUSH, {"Content-Type": "application/json"}, 400),
        (PUSH, {**GITHUB, **GITLAB}, 400),
        (PUSH, {**GITHUB, "Content-Type": "text/plain"}, 415),
        (PUSH, {**GITHUB, "Content-Encoding": "gzip"}, 415),
        (b"payload=%7B", FORM, 400),
    ],
)
async def test_what_is_no_webhook_is_a_problem_with_a_reason_and_never_a_500(
    it: Post, raw: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await it.post(raw, headers)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["detail"]
    assert (await it.logged()).reason == answer.json["detail"]
    assert (await it.post(PUSH)).status == 202


async def test_of_many_packages_that_are_not_built_the_first_are_told(tmp_path: Path) -> None:
    packages = [NANO, *(Package(f"p{n}", SOUL.clone_url, webhook_rebuild=True) for n in range(120))]
    async with listening(tmp_path, packages=packages) as it:
        answer = await it.post(PUSH)
        assert (len(answer.json["builds"]), len(answer.json["skipped"]), answer.json["more"]) == (1, 50, 70)


async def test_no_secret_is_in_any_log_or_answer_whatever_comes(it: Post) -> None:
    with capture_logs() as logs:
        answers: list[Answer] = []
        for path in (f"/{SECRET}/", f"/{SECRET}x/", f"/x/{SECRET}/", f"/{SECRET}/a/b/c", f"/{SECRET}/%00/", "/"):
            answers += [await it.post(raw, path=path) for raw in (PUSH, b"{", b"")]
            answers.append(await it.ask("GET", f"/webhooks/@rpms/tools{path}"))
        it.parts.projects._known.clear()  # type: ignore[attr-defined]  # a fault of ours
        it.parts.hooks._file = None  # type: ignore[attr-defined]  # another
        answers.append(await it.ask("POST", f"/webhooks/{SECRET}/tools/{SECRET}/", data=PUSH, headers=GITHUB))
    assert SECRET not in repr(logs)
    assert not any(SECRET.encode() in answer.body for answer in answers)


async def test_it_serves_these_two_routes_and_nothing_else(it: Post) -> None:
    for path in ("/", "/events", "/healthz", "/metrics", "/webhooks/a/b", "/hooks", "/api_3/project/list"):
        assert (await it.ask("POST", path)).status == 404
        assert (await it.ask("GET", path)).status == 404
    answer = await it.ask("GET", f"/webhooks/@rpms/tools/{SECRET}/")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
