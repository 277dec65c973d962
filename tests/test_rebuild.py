"""Which packages a push or a pull request builds. Law: a package is built, or there is a reason with the way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pushes import NANO, OLD, OPEN, PROJECT, PULL, URL, moved, package, pushed

from sidecar import rebuild
from sidecar.dialects import drone
from sidecar.model import Instance
from sidecar.projects import Change, Package, Project, PullRequest, Push


def built(told: Push | PullRequest, package: Package = NANO, project: Project = PROJECT, named: str = "") -> list[str]:
    builds, skipped = rebuild.match(told, project, [package], named=named)
    assert (len(builds) > 0) != (len(skipped) > 0), "a package is built, or there is a reason"
    return [one.event for one in builds] or [one.reason for one in skipped]


def test_a_push_to_its_repository_builds_a_package() -> None:
    assert built(pushed()) == ["push"]


@pytest.mark.parametrize(
    ("told", "package", "project", "reason"),
    [
        pytest.param(
            pushed(),
            package(clone_url="https://git.example/rpms/one"),
            PROJECT,
            "its clone_url is git.example/rpms/one, the webhook is for git.example/rpms/all",
            id="another repository",
        ),
        pytest.param(
            pushed(),
            package(clone_url="https://token@git.example/rpms/All.git"),
            PROJECT,
            "its clone_url is git.example/rpms/All, the webhook is for git.example/rpms/all,"
            " which differs in upper and lower case",
            id="almost its repository, and no password shown",
        ),
        pytest.param(
            pushed(),
            package(clone_url="nano.git"),
            PROJECT,
            "its clone_url is no URL, the webhook is for git.example/rpms/all",
            id="no repository",
        ),
        pytest.param(
            pushed(),
            package(webhook_rebuild=False),
            PROJECT,
            "webhook_rebuild is off; set it to have webhooks build the package",
            id="the hook is on but the package's flag is off (copr 2631)",
        ),
        pytest.param(
            pushed(),
            NANO,
            structs.replace(PROJECT, chroots=()),
            "no chroot of @tools/daily is enabled",
            id="all chroots disabled",
        ),
        pytest.param(
            pushed(moved("refs/heads/notmain")),
            package(committish="main"),
            PROJECT,
            "branch notmain is not its committish, main",
            id="a branch is not matched by its suffix",
        ),
        pytest.param(
            pushed(moved("refs/heads/feature/main")),
            package(committish="main"),
            PROJECT,
            "branch feature/main is not its committish, main",
            id="nor by its last part",
        ),
        pytest.param(
            pushed(moved(deleted=True, after="")), NANO, PROJECT, "main was deleted", id="a branch was deleted"
        ),
        pytest.param(
            pushed(moved("refs/tags/nano-1.0", deleted=True, after="")),
            NANO,
            PROJECT,
            "nano-1.0 was deleted",
            id="a delete is not treated as a create",
        ),
        pytest.param(
            pushed(moved(after=OLD)), NANO, PROJECT, "the push to main changed nothing", id="a push from here to here"
        ),
        pytest.param(
            pushed(moved(after="")), NANO, PROJECT, "the push to main changed nothing", id="a push without a commit"
        ),
        pytest.param(
            pushed(moved("refs/notes/commits")),
            NANO,
            PROJECT,
            "refs/notes/commits is neither a branch nor a tag",
            id="other refs",
        ),
        pytest.param(
            pushed(moved(files=("other/nano/x", "nanotube/x", "README"))),
            package(subdirectory="nano"),
            PROJECT,
            "nothing under nano was changed",
            id="files beside the subdirectory",
        ),
        pytest.param(
            pushed(moved("refs/tags/v1.2")),
            NANO,
            PROJECT,
            "tag v1.2 is not of this package; nano-VERSION and nano-VERSION-RELEASE are",
            id="a tag of no package",
        ),
        pytest.param(
            PULL,
            NANO,
            PROJECT,
            "@tools/daily does not build pull requests; pull_requests=open lets anybody's be built",
            id="anybody could build through a pull request (copr 2610)",
        ),
        pytest.param(
            PULL,
            package(committish="f42"),
            OPEN,
            "branch main is not its committish, f42",
            id="a pull request against another branch",
        ),
        pytest.param(
            PULL,
            package(clone_url=PULL.source_url),
            OPEN,
            "its clone_url is git.example/ana/all, the webhook is for git.example/rpms/all",
            id="a pull request from a repository is not one against it",
        ),
        pytest.param(
            PULL,
            package(webhook_rebuild=False),
            OPEN,
            "webhook_rebuild is off; set it to have webhooks build the package",
            id="pull requests ask for the flag too",
        ),
    ],
)
def test_what_is_not_built_has_its_reason(
    told: Push | PullRequest, package: Package, project: Project, reason: str
) -> None:
    assert built(told, package, project) == [reason]


@pytest.mark.parametrize("committish", ["", "main", "refs/heads/main"])
def test_a_branch_is_the_committish_by_its_whole_name_or_any_where_there_is_none(committish: str) -> None:
    assert built(pushed(), package(committish=committish)) == ["push"]
    assert built(PULL, package(committish=committish), OPEN) == ["pull_request"]


@pytest.mark.parametrize("subdirectory", ["", "/", ".", "nano", "nano/", "/nano", "./nano", "nano//spec"])
@pytest.mark.parametrize("path", ["nano/spec/a.spec", "nano/spec"])
def test_a_changed_file_under_the_subdirectory_builds_also_a_submodule_there(subdirectory: str, path: str) -> None:
    told = pushed(moved(files=("README", path)))
    assert built(told, package(subdirectory=subdirectory)) == ["push"]


@pytest.mark.parametrize(
    "why", ["Bitbucket lists no files", "the list of commits is cut off at 20 of 45", "the push lists no commits"]
)
def test_where_files_are_not_known_a_package_counts_as_changed_and_says_why(why: str) -> None:
    (build,), _ = rebuild.match(
        pushed(moved(files=None, unlisted=why)), PROJECT, [package(subdirectory="nano", committish="main")]
    )
    assert build.note == f"counts as changed: {why}"


def test_without_a_subdirectory_nobody_asks_for_files() -> None:
    (build,), _ = rebuild.match(pushed(moved(files=None, unlisted="no files")), PROJECT, [NANO])
    assert not build.note


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("foo-1.2", {"foo"}),
        ("foo_1.2", {"foo"}),
        ("foo-1.2-1", {"foo", "foo-1.2", "foo_1.2"}),
        ("foo_1.2_1", {"foo", "foo-1.2", "foo_1.2"}),
        ("foo-bar-1.2-1", {"foo-bar", "foo_bar", "foo-bar-1.2"}),
        ("foo_bar_1.2", {"foo-bar", "foo_bar"}),
        ("foo-2-1.0", {"foo", "foo-2"}),
        ("v1.2", set()),
        ("1.2", set()),
        ("release/foo-1.2", {"release/foo"}),
        ("foo-1.2-rc", set()),
        ("foo-rc", set()),
        ("foo-1-2-3", {"foo-1", "foo-1-2"}),
        ("foo", set()),
        ("-1.2", set()),
        ("", set()),
    ],
)
def test_tags_are_told_apart_by_copr_s_naming_rule(tag: str, names: set[str]) -> None:
    known = ["foo", "bar", "foo-2", "foo-1", "foo-1-2", "foo-1.2", "foo_1.2", "foo-bar", "foo_bar", "release/foo", "v"]
    assert {name for name in known if rebuild.is_tag_of(tag, name)} == names & set(known)


def test_a_tag_builds_its_package_whatever_the_committish_and_the_files() -> None:
    told = pushed(moved("refs/tags/nano-1.2-1", files=None))
    assert built(told, package(committish="f42", subdirectory="elsewhere")) == ["tag"]


def test_a_tag_may_have_any_name_where_the_url_names_the_package() -> None:
    told = pushed(moved("refs/tags/v1.2"))
    assert built(told, named="nano") == ["tag"]
    assert rebuild.match(told, PROJECT, [NANO], named="vi") == ([], [])


def test_a_url_that_names_a_package_builds_no_other() -> None:
    builds, skipped = rebuild.match(pushed(), PROJECT, [NANO, package(name="vi")], named="vi")
    assert ([one.package.name for one in builds], skipped) == (["vi"], [])


def test_all_packages_of_a_monorepo_that_changed_are_built() -> None:
    packages = [package(name=name, subdirectory=name) for name in ("nano", "vi", "ed")]
    told = pushed(moved(files=("nano/nano.spec", "ed/ed.spec", "README")))
    builds, skipped = rebuild.match(told, PROJECT, packages)
    assert [one.package.name for one in builds] == ["nano", "ed"]
    assert [one.package for one in skipped] == ["vi"]


def test_each_change_of_a_push_builds_and_those_that_do_not_count_only_where_none_does() -> None:
    told = pushed(moved("refs/heads/f41"), moved("refs/heads/f42"), moved("refs/heads/old", deleted=True))
    assert built(told) == ["push", "push"]
    assert built(told, package(committish="f42")) == ["push"]
    assert built(told, package(committish="main")) == [
        "branch f41 is not its committish, main; branch f42 is not its committish, main; old was deleted"
    ]
    assert built(structs.replace(told, changes=())) == ["the push changed nothing"]


texts = st.text(max_size=20)
shas = st.one_of(st.just(""), st.text("0123456789abcdef", min_size=7, max_size=40))
changes = st.builds(
    Change,
    ref=st.one_of(texts, texts.map("refs/heads/".__add__), texts.map("refs/tags/nano-".__add__)),
    before=shas,
    after=shas,
    deleted=st.booleans(),
    files=st.one_of(st.none(), st.lists(texts, max_size=3).map(tuple)),
    unlisted=texts,
    message=texts,
    link=texts,
)


@given(
    st.lists(changes, max_size=3).map(tuple),
    st.builds(Package, st.just("nano"), st.sampled_from([URL, "x"]), texts, texts, st.booleans()),
    st.sampled_from([PROJECT, OPEN, structs.replace(OPEN, chroots=())]),
)
def test_any_push_builds_a_package_or_says_why_and_every_build_is_an_event(
    told: tuple[Change, ...], package: Package, project: Project
) -> None:
    builds, skipped = rebuild.match(pushed(*told), project, [package])
    assert len(skipped) == (not builds)
    for build in builds:
        raw = rebuild.event(build, project, number=1, now=0, id="x")
        assert drone.read(raw, id="y", now=0, instance=Instance()).id == "x"
