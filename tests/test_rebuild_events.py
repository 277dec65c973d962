"""A build is a Drone event. Law: it says what the forge told, in Drone's words, and the same when told again."""

from msgspec import json, structs
from pushes import DELIVERY, NANO, NEW, OLD, OPEN, PROJECT, PULL, URL, moved, package, pushed

from sidecar import rebuild
from sidecar.dialects import drone
from sidecar.model import Instance
from sidecar.projects import ALWAYS, Once, Package, Person, PullRequest, Push

REPO = {
    "namespace": "@tools/daily",
    "name": "nano",
    "slug": "@tools/daily/nano",
    "scm": "git",
    "git_http_url": URL,
    "git_ssh_url": "",
    "link": "https://git.example/rpms/all",
    "default_branch": "",
    "active": True,
    "counter": 3,
}
BUILD = {
    "trigger": "@hook",
    "number": 3,
    "status": "pending",
    "event": "push",
    "action": "",
    "link": "https://x/compare",
    "title": "Mend it",
    "message": "Mend it\n\nIt was broken.",
    "before": OLD,
    "after": NEW,
    "ref": "refs/heads/main",
    "source": "main",
    "target": "main",
    "author_login": "eve",
    "author_name": "Eve",
    "author_email": "e@x",
    "sender": "ana",
    "params": {
        "package": "nano",
        "project": "@tools/daily",
        "chroots": "fedora-41-x86_64,fedora-42-x86_64",
        "subdirectory": "nano",
        "background": "true",
        "clone_url": URL,
        "committish": NEW,
    },
    "timestamp": 1_700_000_000,
    "created": 1_700_000_000,
    "updated": 1_700_000_000,
}


def made(told: Push | PullRequest, package: Package = NANO) -> tuple[dict[str, object], dict[str, object]]:
    (build,), _ = rebuild.match(told, OPEN, [package])
    ours = rebuild.identity(build, OPEN, DELIVERY)
    raw = rebuild.event(build, OPEN, number=3, now=1_700_000_000_000, id=ours)
    kept = drone.read(raw, id="another", now=0, instance=Instance())
    assert (kept.id, kept.name, kept.subject) == (ours, "build:created", "@tools/daily/nano")
    whole = json.decode(raw)
    return whole["repo"], whole["build"]


def test_the_event_of_a_push_is_a_drone_build_of_the_pushed_commit() -> None:
    change = moved(message="Mend it\n\nIt was broken.", link="https://x/compare", author=Person("eve", "Eve", "e@x"))
    repo, build = made(pushed(change), package(subdirectory="/nano/"))
    assert (repo, build) == (REPO, BUILD)


def test_the_event_of_a_tag_builds_the_tag() -> None:
    told = pushed(moved("refs/tags/nano-1.2", before="", after="", files=None))
    _, build = made(told, package(committish="f42"))
    assert (build["event"], build["ref"], build["after"]) == ("tag", "refs/tags/nano-1.2", "")
    assert (build["source"], build["target"]) == ("f42", "f42")
    assert (params(build)["committish"], params(build)["clone_url"]) == ("nano-1.2", URL)


def test_the_event_of_a_pull_request_builds_the_head_of_the_fork() -> None:
    repo, build = made(PULL)
    assert repo["git_http_url"] == URL, "the target is the repository"
    assert (params(build)["clone_url"], params(build)["committish"]) == (PULL.source_url, NEW)
    names = ("event", "ref", "before", "after", "source_repo", "source", "target", "title", "sender", "author_login")
    assert [build[name] for name in names] == [
        *("pull_request", "refs/pull/12/head", OLD, NEW, "ana/all", "mend", "main", "Mend it", "bob", "ana")
    ]


def params(build: dict[str, object]) -> dict[str, str]:
    found = build["params"]
    assert isinstance(found, dict)
    return found


def test_the_password_of_a_clone_url_is_not_sent_on() -> None:
    repo, build = made(pushed(), package(clone_url="https://ana:password@git.example/rpms/all.git"))
    assert "password" not in json.encode([repo, build]).decode()


def test_a_repository_by_ssh_is_named_as_such() -> None:
    repo, _ = made(pushed(), package(clone_url="git@git.example:rpms/all.git"))
    assert (repo["git_http_url"], repo["git_ssh_url"], repo["link"]) == ("", "git@git.example:rpms/all.git", "")


def test_a_long_message_is_cut() -> None:
    _, build = made(pushed(moved(message="x" * 100_000)))
    assert (len(str(build["message"])), len(str(build["title"]))) == (4096, 200)


def test_the_same_delivery_makes_the_same_events_each_with_an_id_of_its_own() -> None:
    told = pushed(moved("refs/heads/f41"), moved("refs/heads/f42"))
    packages = [NANO, package(name="vi")]
    first, again = [rebuild.match(told, PROJECT, packages)[0] for _ in range(2)]
    ids = [rebuild.identity(one, PROJECT, DELIVERY) for one in first]
    assert ids == [rebuild.identity(one, PROJECT, DELIVERY) for one in again]
    assert len(set(ids)) == 4
    assert rebuild.identity(first[0], PROJECT, Once("github id 2", ALWAYS)) not in ids
    one, two = [rebuild.event(builds[0], PROJECT, number=1, now=5, id=ids[0]) for builds in (first, again)]
    assert one == two


def test_what_two_deliveries_tell_of_one_thing_is_known_by_one_key() -> None:
    once = Once("github new nano-1.0", 600_000)
    (build,), _ = rebuild.match(pushed(moved("refs/tags/nano-1.0", once=once)), PROJECT, [NANO])
    assert build.once == once
    (build,), _ = rebuild.match(structs.replace(PULL, once=once), OPEN, [NANO])
    assert build.once == once
