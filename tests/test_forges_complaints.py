"""What users of Copr's webhooks complained of, and what they must not find here: by name, for each forge, over a real
listener. Law: a case posts what the forge posts, and looks at the answer, the log and what is owed.

The numbers are issues of fedora-copr/copr, unless another project is named.
"""

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from forge_bodies import (
    BITBUCKET,
    BITBUCKET_PULL,
    BITBUCKET_PUSH,
    GITEA,
    GITHUB,
    GITHUB_PULL,
    GITHUB_PUSH,
    GITHUB_TAG,
    GITLAB,
    GITLAB_MERGE,
    GITLAB_PUSH,
    GITLAB_TAG,
    GONE,
    OLD,
    PAGURE,
    PAGURE_PULL,
    PAGURE_PUSH,
    PAGURE_TAG,
    ZEROS,
    body,
)
from inbound_rig import SECRET, Post, listening
from structlog.testing import capture_logs

from sidecar.model import Secret
from sidecar.projects import Package

KEY = b"a-key-that-the-forge-has-made"
Sent = tuple[Mapping[str, str], bytes]


class Sender(NamedTuple):
    """A forge, and its way to say each thing. `signature` is its header and what is before the hex; `names` is where
    it says the event, outside of the body."""

    host: str
    headers: Mapping[str, str]
    signature: tuple[str, str]
    push: Any
    tag: Any
    pull: Any
    bare: Mapping[str, Any]
    branch: str
    tag_place: str
    untag: Mapping[str, Any]
    events: tuple[str, str, str, str] = ("", "", "", "")

    def made(self, event: int, document: Any, **changed: Any) -> Sent:
        names = [name for name in self.headers if name.endswith(("-Event", "Event-Key")) and self.events[event]]
        return {**self.headers, **dict.fromkeys(names, self.events[event])}, body(document, **changed)

    def pushes(self, branch: str = "main", **changed: Any) -> Sent:
        ref = branch if self.branch.startswith(("msg", "push__")) else f"refs/heads/{branch}"
        return self.made(0, self.push, **{self.branch: ref, **changed})

    def tags(self, name: str) -> Sent:
        ref = f"refs/tags/{name}" if self.tag_place == "ref" and "commits" in self.tag else name
        return self.made(1, self.tag, **{self.tag_place: ref})

    def untags(self) -> Sent:
        return self.made(2, self.tag, **self.untag)

    def pulls(self) -> Sent:
        return self.made(3, self.pull)


_change: Any = BITBUCKET_PUSH["push"]["changes"][0]  # type: ignore[index] # the document is of one shape
BITBUCKET_TAG = {
    **BITBUCKET_PUSH,
    "push": {"changes": [{**_change, "old": None, "new": {**_change["new"], "type": "tag", "name": "x"}}]},
}
_GITHUB = Sender(
    host="github.com",
    headers=GITHUB,
    signature=("X-Hub-Signature-256", "sha256="),
    push=GITHUB_PUSH,
    tag=GITHUB_TAG,
    pull=GITHUB_PULL,
    bare={"commits": []},
    branch="ref",
    tag_place="ref",
    untag={"ref": "nano-1.2"},
    events=("push", "create", "delete", "pull_request"),
)
SENDERS: Mapping[str, Sender] = {
    "github": _GITHUB,
    "gitea": _GITHUB._replace(headers=GITEA),
    "gitlab": Sender(
        host="gitlab.example",
        headers=GITLAB,
        signature=("X-Gitlab-Token", ""),
        push=GITLAB_PUSH,
        tag=GITLAB_TAG,
        pull=GITLAB_MERGE,
        bare={"commits": []},
        branch="ref",
        tag_place="ref",
        untag={"before": OLD, "after": ZEROS},
    ),
    "bitbucket": Sender(
        host="bitbucket.org",
        headers=BITBUCKET,
        signature=("X-Hub-Signature", "sha256="),
        push=BITBUCKET_PUSH,
        tag=BITBUCKET_TAG,
        pull=BITBUCKET_PULL,
        bare={"push__changes__0__commits": []},
        branch="push__changes__0__new__name",
        tag_place="push__changes__0__new__name",
        untag={"push__changes__0__old": _change["new"], "push__changes__0__new": None},
        events=("repo:push", "repo:push", "repo:push", "pullrequest:created"),
    ),
    "pagure": Sender(
        host="pg.example",
        headers=PAGURE,
        signature=("X-Pagure-Signature-256", ""),
        push=PAGURE_PUSH,
        tag=PAGURE_TAG,
        pull=PAGURE_PULL,
        bare={"msg__changed_files": GONE},
        branch="msg__branch",
        tag_place="msg__tag",
        untag={"topic": "git.tag.deletion"},
    ),
}


def again(sent: Sent) -> Sent:
    """The same as another delivery."""
    headers, raw = sent
    ids = ("X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gogs-Delivery", "Idempotency-Key", "X-Request-UUID")
    return {**headers, **dict.fromkeys(headers.keys() & ids, "another")}, raw.replace(b'"msg_id": "', b'"msg_id": "x')


class At(NamedTuple):
    """A forge, and a listener that has one package of it, which is known by another form of its URL."""

    it: Post
    forge: Sender

    async def post(self, sent: Sent, **headers: str) -> tuple[int, Any]:
        answer = await self.it.post(sent[1], {**sent[0], **headers})
        return answer.status, answer.json

    async def built(self, sent: Sent) -> list[int]:
        _, told = await self.post(sent)
        return [one["build"] for one in told["builds"]]

    async def reasons(self, sent: Sent) -> str:
        status, told = await self.post(sent)
        assert status == 200
        assert told["builds"] == []
        assert await self.it.events() == []
        return "; ".join([one["reason"] for one in told["skipped"]]) or str(told["reason"])


@pytest.fixture(params=SENDERS)
async def at(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[At]:
    forge = SENDERS[request.param]
    nano = Package("nano", f"ssh://git@{forge.host.upper()}:2222/rpms/nano.git/", "main", webhook_rebuild=True)
    async with listening(tmp_path, packages=[nano]) as it:
        yield At(it, forge)


async def test_do_not_repeat_a_secret_in_the_path_as_the_only_proof(at: At) -> None:
    headers, sent = at.forge.pushes()
    name, prefix = at.forge.signature
    await at.it.projects.edit("@rpms", "tools", forge_keys={"pagure": (Secret(KEY),)})
    status, _ = await at.post((headers, sent), **{name: f"{prefix}{'0' * 64}"})
    assert status == 403
    key = KEY if name.startswith("X-Pagure") else SECRET.encode()
    right = SECRET if name == "X-Gitlab-Token" else prefix + hmac.digest(key, sent, "sha256").hex()
    status, _ = await at.post((headers, sent), **{name: right})
    assert status == 202


async def test_do_not_repeat_an_answer_that_tells_how_far_a_secret_is_right(at: At) -> None:
    headers, sent = at.forge.pushes()
    near, far = [await at.it.post(sent, headers, path=f"/{wrong}/") for wrong in (SECRET[:-1] + "x", "x" * 39)]
    assert (near.status, near.body) == (far.status, far.body)


async def test_do_not_repeat_a_ping_before_the_secret(at: At) -> None:
    headers = (
        {**at.forge.headers, "X-GitHub-Event": "ping"} if "X-GitHub-Event" in at.forge.headers else at.forge.headers
    )
    assert (await at.it.post(b'{"zen": "x"}', headers, path="/wrong/")).status == 403


@pytest.mark.parametrize("sent", [b"null", b"[]", b"{}", b"{", b""])
async def test_do_not_repeat_500_on_null_and_html_for_errors(at: At, sent: bytes) -> None:
    answer = await at.it.post(sent, at.forge.headers)
    assert answer.status in {400, 415, 422}
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["detail"]


async def test_do_not_repeat_ok_for_nothing_matched_3703_2772_2631(at: At) -> None:
    assert await at.reasons(at.forge.pushes("other")) == "branch other is not its committish, main"


async def test_the_flag_of_a_package_is_off_2631(at: At) -> None:
    off = Package("nano", f"https://{at.forge.host}/rpms/nano", "main")
    await at.it.projects.put_package("@rpms", "tools", off, new=False)
    assert "webhook_rebuild is off" in await at.reasons(at.forge.pushes())


@pytest.mark.parametrize("branch", ["notmain", "feature/main", "mainx", "Main"])
async def test_do_not_repeat_a_match_by_suffix_branch_filter_2553(at: At, branch: str) -> None:
    assert f"branch {branch} is not" in await at.reasons(at.forge.pushes(branch))


async def test_do_not_repeat_a_match_of_urls_by_their_letters_2772(at: At) -> None:
    assert await at.built(at.forge.pushes()) == [1]


async def test_do_not_repeat_to_depend_on_commits(at: At) -> None:
    nano = Package("nano", f"https://{at.forge.host}/rpms/nano", "main", "deep/down", webhook_rebuild=True)
    await at.it.projects.put_package("@rpms", "tools", nano, new=False)
    _, told = await at.post(at.forge.pushes(**at.forge.bare))
    assert told["builds"][0]["note"].startswith("counts as changed: ")


async def test_do_not_repeat_a_delete_treated_as_a_create(at: At) -> None:
    assert "was deleted" in await at.reasons(at.forge.untags())


async def test_do_not_repeat_a_get_that_mints_secrets(at: At) -> None:
    before = at.it.projects.find("@rpms", "tools")
    answer = await at.it.ask("GET", f"/webhooks/@rpms/tools/{SECRET}/", headers=at.forge.headers)
    assert answer.status == 405
    assert at.it.projects.find("@rpms", "tools") == before


async def test_do_not_repeat_bodies_secrets_and_unknown_headers_in_the_log(at: At) -> None:
    """GitHub once sent the secret, in base64, in a header of its own."""
    headers, sent = at.forge.pushes()
    with capture_logs() as lines:
        await at.post((headers, sent), **{"X-Github-Encoded-Secret": "aHVzaC1odXNo"})
        await at.it.post(sent, headers, path="/wrong-hush/")
    told = json.dumps(lines) + repr(await at.it.hooks.page(10, 0))
    assert not [hush for hush in (SECRET, "wrong-hush", "aHVzaC1odXNo", "It was broken") if hush in told]


async def test_do_not_repeat_without_dedupe_3308(at: At) -> None:
    assert [await at.built(at.forge.pushes()) for _ in range(3)] == [[1], [1], [1]]
    assert len(await at.it.events()) == 1


async def test_the_answer_has_the_ids_of_the_builds_2633(at: At) -> None:
    _, told = await at.post(at.forge.pushes())
    [event] = await at.it.events()
    assert told["builds"] == [{"package": "nano", "build": 1, "event": event.id}]


async def test_a_url_for_one_package_2640(at: At) -> None:
    headers, sent = at.forge.pushes()
    assert (await at.it.post(sent, headers, path=f"/{SECRET}/other/")).json["builds"] == []
    assert (await at.it.post(sent, headers, path=f"/{SECRET}/nano/")).json["builds"][0]["build"] == 1


async def test_pull_requests_have_a_switch_of_their_own_2610(at: At) -> None:
    assert "does not build pull requests" in await at.reasons(at.forge.pulls())
    await at.it.projects.edit("@rpms", "tools", pull_requests="open")
    assert await at.built(again(at.forge.pulls())) == [1]


async def test_tags_are_named_by_a_rule_and_told_from_pushes_2322_dvdmuckle_spc_33(at: At) -> None:
    assert "tag v1.2 is not of this package" in await at.reasons(at.forge.tags("v1.2"))
    assert await at.built(again(at.forge.tags("nano-1.2-1"))) == [1]
    [event] = await at.it.events()
    assert json.loads(event.body)["build"]["event"] == "tag"


async def test_a_content_type_that_is_odd_has_an_answer_that_says_so_2474_2416(at: At) -> None:
    status, told = await at.post(at.forge.pushes(), **{"Content-Type": "text/plain"})
    assert status == 415
    assert "application/json" in told["detail"]


async def test_json_in_a_form_is_read_too_indilib_indi_1220(at: At) -> None:
    headers, sent = at.forge.pushes()
    form = b"payload=" + "".join([f"%{byte:02x}" for byte in sent]).encode()
    assert await at.built(({**headers, "Content-Type": "application/x-www-form-urlencoded"}, form)) == [1]
