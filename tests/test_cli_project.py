"""`project` and `hooks`. Law: real socket, real commands."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cli_stub import PAST, Stub, stub
from msgspec import json

PROJECT = {
    "id": 1,
    "name": "shop",
    "ownername": "@web",
    "full_name": "@web/shop",
    "chroots": ["fedora-44-x86_64"],
    "pull_requests": "none",
    "packages": 2,
    "webhook_secrets": 1,
    "forge_keys": {"pagure": 1},
}
PACKAGE = {
    "name": "body",
    "ownername": "@web",
    "projectname": "shop",
    "source_type": "scm",
    "source_dict": {"clone_url": "https://forge.example/shop", "committish": "main", "subdirectory": ""},
    "auto_rebuild": True,
}


@pytest.fixture
async def sidecar(tmp_path: Path) -> AsyncIterator[Stub]:
    async with stub(tmp_path) as it:
        yield it


def hook(**given: Any) -> dict[str, Any]:
    told = {
        "id": 17,
        "at": PAST,
        "last": PAST,
        "times": 1,
        "route": "webhooks",
        "outcome": "built",
        "status": 202,
        "reason": "",
        "project": "@web/shop",
        "package": "",
        "forge": "pagure",
        "kind": "push",
        "delivery": "d",
        "signature": "",
        "address": "192.0.2.7",
        "answer": None,
    }
    return {**told, **given}


@pytest.mark.parametrize(
    ("command", "route", "body"),
    [
        ("add @web/shop", "project/add/@web", {"name": "shop", "chroots": [], "pull_requests": "none"}),
        ("edit @web/shop --chroot a --chroot b", "project/edit/@web/shop", {"chroots": ["a", "b"]}),
        ("edit @web/shop --no-chroots", "project/edit/@web/shop", {"chroots": []}),
        ("edit @web/shop --pull-requests open", "project/edit/@web/shop", {"pull_requests": "open"}),
        ("edit @web/shop --forge-key pagure=k", "project/edit/@web/shop", {"forge_keys": {"pagure": "k"}}),
        ("edit @web/shop --forge-key pagure=-", "project/edit/@web/shop", {"forge_keys": {"pagure": "piped"}}),
        ("edit @web/shop --forge-key pagure=", "project/edit/@web/shop", {"forge_keys": {"pagure": None}}),
        ("delete @web/shop --yes", "project/delete/@web/shop", {}),
    ],
)
async def test_each_change_is_one_request_in_copr_s_words(
    sidecar: Stub, command: str, route: str, body: dict[str, Any]
) -> None:
    sidecar.says(f"POST /api_3/{route}", PROJECT)
    result = await sidecar.run("project", *command.split(), input=b"piped\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("@web/shop: ")
    [asked] = sidecar.asked
    assert json.decode(asked.body) == body


@pytest.mark.parametrize(
    ("command", "route", "body"),
    [
        ("add @web/shop body --clone-url u", "add", {"clone_url": "u", "webhook_rebuild": True}),
        ("add @web/shop body --clone-url u --no-webhook-rebuild", "add", {"clone_url": "u", "webhook_rebuild": False}),
        ("edit @web/shop body --committish main", "edit", {"committish": "main"}),
        ("delete @web/shop body", "delete", {}),
    ],
)
async def test_a_package_is_changed_by_one_request(
    sidecar: Stub, command: str, route: str, body: dict[str, Any]
) -> None:
    sidecar.says(f"POST /api_3/package/{route}/@web/shop/body", PACKAGE)
    result = await sidecar.run("project", "package", *command.split())
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("@web/shop/body: ")
    assert json.decode(sidecar.asked[0].body) == body


async def test_a_new_secret_is_shown_with_the_url_that_the_forge_needs(sidecar: Stub) -> None:
    told = {**{name: PROJECT[name] for name in ("id", "name", "ownername", "full_name")}, "webhook_secret": "hush"}
    sidecar.says("POST /api_3/webhook/generate/@web/shop", told)
    result = await sidecar.run("project", "generate", "@web/shop", "--overlap", "1h")
    assert sidecar.asked[0].target.endswith("?overlap=1h")
    assert "  hush\n" in result.stdout
    assert "/webhooks/@web/shop/hush/" in result.stdout


async def test_projects_and_packages_are_listed(sidecar: Stub) -> None:
    sidecar.says("GET /api_3/project/list", {"items": [PROJECT]})
    sidecar.says("GET /api_3/package/list", {"items": [PACKAGE], "meta": {}})
    result = await sidecar.run("project", "list", "@web")
    assert result.stdout.splitlines()[1].split() == ["@web/shop", "2", "fedora-44-x86_64", "none", "1", "pagure"]
    result = await sidecar.run("project", "package", "list", "@web/shop")
    assert result.stdout.splitlines()[1].split() == ["body", "yes", "https://forge.example/shop", "main"]


@pytest.mark.parametrize(
    "command", ["add shop", "add a/b/c", "edit a/b", "package edit a/b c", "edit a/b --forge-key k"]
)
async def test_what_makes_no_sense_asks_nothing_and_says_how(sidecar: Stub, command: str) -> None:
    result = await sidecar.run("project", *command.split())
    assert result.exit_code == 2
    assert sidecar.asked == []


async def test_deleting_asks_first(sidecar: Stub) -> None:
    result = await sidecar.run("project", "delete", "@web/shop", input=b"n\n")
    assert result.exit_code == 1
    assert sidecar.asked == []


async def test_hooks_say_what_came_of_each_and_why_nothing(sidecar: Stub) -> None:
    answer = {
        "builds": [{"package": "body", "build": 7, "event": "e"}],
        "skipped": [{"package": "soul", "reason": "webhook_rebuild is off"}],
    }
    refused = hook(
        outcome="refused", status=403, reason="no such project, or another secret", forge="", kind="", times=9
    )
    sidecar.says("GET /hooks", {"hooks": [hook(answer=answer), refused], "next": "16"})
    result = await sidecar.run("hooks")
    first, second = result.stdout.splitlines()[1:]
    assert "pagure push @web/shop" in first
    assert first.endswith("built 202    body #7; soul: webhook_rebuild is off")
    assert second.endswith("refused 403  no such project, or another secret")
    assert result.stderr == "more: --after 16\n"
    sidecar.says("GET /hooks", {"hooks": [], "next": None})
    assert "SIDECAR_LISTEN" in (await sidecar.run("hooks")).stderr
