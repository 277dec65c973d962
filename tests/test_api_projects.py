"""Projects, packages and secrets over the socket, in Copr's words. Law: a real registry behind a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_rig import House, house
from structlog.testing import capture_logs

from sidecar.incoming import Hook
from sidecar.model import Secret

SHOP = "/api_3/project/add/@web"
HOUR = 3_600_000


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as made:
        yield made


async def test_a_project_is_added_edited_listed_and_deleted(it: House) -> None:
    added = await it.post(SHOP, b'{"name": "shop", "chroots": ["fedora-44-x86_64"]}')
    assert added.status == 200
    assert added.json == {
        "id": 1,
        "name": "shop",
        "ownername": "@web",
        "full_name": "@web/shop",
        "chroots": ["fedora-44-x86_64"],
        "pull_requests": "none",
        "packages": 0,
        "webhook_secrets": 0,
        "forge_keys": {},
    }
    edit = b'{"pull_requests": "open", "forge_keys": {"pagure": "hush-key", "gitlab": ["new", "old"]}}'
    edited = await it.post("/api_3/project/edit/@web/shop", edit)
    assert edited.json["pull_requests"] == "open"
    assert edited.json["chroots"] == ["fedora-44-x86_64"], "what is left out stays"
    assert edited.json["forge_keys"] == {"pagure": 1, "gitlab": 2}
    again = await it.post("/api_3/project/edit/@web/shop", b'{"forge_keys": {"gitlab": null}, "chroots": []}')
    assert (again.json["forge_keys"], again.json["chroots"]) == ({"pagure": 1}, [])
    assert (await it.get("/api_3/project/list")).json == {"items": [again.json]}
    assert (await it.get("/api_3/project/list", ownername="web")).json == {"items": []}
    assert (await it.post("/api_3/project/delete/@web/shop", b'{"verify": true}')).status == 200
    assert (await it.get("/api_3/project/list")).json == {"items": []}


async def test_a_secret_is_told_once_in_copr_s_form_and_ends_the_old_one(it: House) -> None:
    await it.post(SHOP, b'{"name": "shop"}')
    with capture_logs() as logs:
        first = await it.ask("POST", "/api_3/webhook/generate/@web/shop")
        secret = first.json["webhook_secret"]
        assert first.json == {
            "id": 1,
            "name": "shop",
            "ownername": "@web",
            "full_name": "@web/shop",
            "webhook_secret": secret,
        }
        second = await it.ask("POST", "/api_3/webhook/generate/@web/shop?overlap=1h")
        found = it.projects.find("@web", "shop")
        assert found
        newest = Secret(second.json["webhook_secret"].encode())
        assert found.secrets(it.clock.now()) == (newest, Secret(secret.encode()))
        assert found.secrets(it.clock.now() + HOUR) == (newest,)
        await it.ask("POST", "/api_3/webhook/generate/@web/shop")
        found = it.projects.find("@web", "shop")
        assert found
        assert len(found.secrets(it.clock.now())) == 1, "without overlap at once"
        others = [await it.get("/api_3/project/list"), await it.post("/api_3/project/edit/@web/shop", b"{}")]
    assert [line["event"] for line in logs].count("project.secret_changed") == 3
    assert not any("hush" in str(told) for told in (logs, *[answer.body for answer in others]))


async def test_packages_are_added_edited_listed_and_deleted_as_copr_shows_them(it: House) -> None:
    await it.post(SHOP, b'{"name": "shop"}')
    added = await it.post(
        "/api_3/package/add/@web/shop/body",
        b'{"clone_url": "https://forge.example/web/shop.git", "committish": "main"}',
    )
    assert added.status == 200
    edited = await it.post("/api_3/package/edit/@web/shop/body", b'{"webhook_rebuild": true}')
    assert edited.json == {
        "name": "body",
        "ownername": "@web",
        "projectname": "shop",
        "source_type": "scm",
        "source_dict": {"clone_url": "https://forge.example/web/shop.git", "committish": "main", "subdirectory": ""},
        "auto_rebuild": True,
    }
    await it.post("/api_3/package/add/@web/shop/libstdc++", b'{"clone_url": "git@forge.example:web/shop"}')
    listed = (await it.get("/api_3/package/list", ownername="@web", projectname="shop")).json
    assert [one["name"] for one in listed["items"]] == ["body", "libstdc++"]
    part = (await it.get("/api_3/package/list", ownername="@web", projectname="shop", limit="1", offset="1")).json
    assert [one["name"] for one in part["items"]] == ["libstdc++"]
    assert part["meta"] == {"limit": 1, "offset": 1, "order": "name", "order_type": "ASC"}
    assert (await it.post("/api_3/package/delete/@web/shop/body")).json == edited.json
    listed = (await it.get("/api_3/package/list", ownername="@web", projectname="shop")).json
    assert [one["name"] for one in listed["items"]] == ["libstdc++"]


ADD = "/api_3/package/add/@web/shop/soul"
EDIT = "/api_3/project/edit/@web/shop"


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/api_3/project/add/@web", b'{"name": "shop"}', 409, "is there already"),
        ("/api_3/project/add/@web", b'{"name": "../x"}', 422, "name is letters"),
        ("/api_3/project/add/-x", b'{"name": "a"}', 422, "ownername is a user or @group"),
        ("/api_3/project/add/@web", b"{}", 422, "required field name"),
        ("/api_3/project/add/@web", b'{"name": "a", "chroot": []}', 422, "there is name, chroots, pull_requests"),
        ("/api_3/project/add/@web", b'{"name": "a", "pull_requests": "all"}', 422, "pull_requests"),
        ("/api_3/project/add/@web", b"{", 400, "not JSON"),
        ("/api_3/project/edit/@web/none", b"{}", 404, "there is no project @web/none"),
        (EDIT, b'{"chroots": ["a b"]}', 422, "chroots.0 is letters"),
        (EDIT, b'{"forge_keys": {"sourcehut": "k"}}', 422, "there is github, gitea"),
        (EDIT, b'{"forge_keys": {"pagure": ""}}', 422, "forge_keys.pagure is a key"),
        (EDIT, b'{"forge_keys": {"pagure": 5}}', 422, "forge_keys"),
        ("/api_3/webhook/generate/@web/none", b"{}", 404, "there is no project"),
        ("/api_3/webhook/generate/@web/shop?overlap=forever", b"{}", 400, "overlap is how long"),
        ("/api_3/webhook/generate/@web/shop?overlap=31d", b"{}", 400, "at most 30d"),
        (ADD, b"{}", 422, "required field clone_url"),
        (ADD, b'{"clone_url": "file:///etc"}', 422, "clone_url is a repository's URL"),
        (ADD, b'{"clone_url": "--upload-pack=x"}', 422, "clone_url is a repository's URL"),
        (ADD, b'{"clone_url": "https://me:hush@forge.example/a"}', 422, "without a password"),
        (ADD, b'{"clone_url": "https://forge.example/a", "committish": "-x"}', 422, "committish is a branch"),
        (ADD, b'{"clone_url": "https://forge.example/a", "subdirectory": "a/../.."}', 422, "subdirectory is a path"),
        (ADD.replace("soul", "a%20b"), b'{"clone_url": "https://forge.example/a"}', 422, "package is letters"),
        ("/api_3/package/edit/@web/shop/soul", b"{}", 404, "has no package 'soul'; it has none"),
    ],
)
async def test_what_cannot_be_taken_is_told_with_the_way_out(
    it: House, path: str, body: bytes, status: int, told: str
) -> None:
    await it.post(SHOP, b'{"name": "shop"}')
    before = it.projects.all()
    answer = await it.post(path, body)
    assert answer.status == status
    assert told in answer.json["detail"]
    assert "hush" not in answer.body.decode()
    assert it.projects.all() == before


async def test_hooks_are_listed_newest_first_with_a_cursor_refused_ones_too(it: House) -> None:
    taken = Hook(at=it.clock.now(), route="webhooks", outcome="built", status=202, key=b"k", answer=b'{"builds":[]}')
    await it.hooks.keep(taken)
    it.hooks.note(
        Hook(
            at=it.clock.now() + 1, route="webhooks", outcome="refused", status=403, reason="wrong", address="192.0.2.1"
        )
    )
    first = (await it.get("/hooks", limit="1")).json
    assert first["next"] == "2"
    assert [(one["status"], one["reason"], one["address"], one["answer"]) for one in first["hooks"]] == [
        (403, "wrong", "192.0.2.1", None)
    ]
    second = (await it.get("/hooks", limit="1", after=first["next"])).json
    assert second["next"] is None
    assert second["hooks"][0] == {
        "id": 1,
        "at": "2027-01-15T08:00:00.000Z",
        "last": "2027-01-15T08:00:00.000Z",
        "times": 1,
        "route": "webhooks",
        "outcome": "built",
        "status": 202,
        "reason": "",
        "project": "",
        "package": "",
        "forge": "",
        "kind": "",
        "delivery": "",
        "signature": "",
        "address": "",
        "answer": {"builds": []},
    }
    assert (await it.get("/hooks", limit="0")).status == 400
