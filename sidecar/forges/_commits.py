"""The commits that a push lists, with their files, as GitHub, Gitea and GitLab do.

Law: pure. A list that is short of anything is no list: a package that it leaves out would not be built, and nobody
would know.
"""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from sidecar.forges._reading import Text

Paths = list[str] | None | UnsetType
Files = tuple[tuple[str, ...] | None, str]
"""The paths, or None and why they are not known."""


class Author(Struct):
    """Of a commit; only GitHub has `username`."""

    name: Text = None
    email: Text = None
    username: Text = None


class Commit(Struct):
    """A commit. A list of paths that is not there at all (as in a push written by hand) says nothing; null is how Go
    writes an empty one."""

    id: Text = None
    message: Text = None
    url: Text = None
    author: Author | None = None
    added: Paths = UNSET
    removed: Paths = UNSET
    modified: Paths = UNSET


def changed(commits: Sequence[Commit], total: int | None, most: int) -> Files:
    """The paths that the commits changed; `total` is how many there are, where the forge says so, `most` how many it
    lists at most."""
    if not commits:
        return None, "the push lists no commits"
    if (total or 0) > len(commits) or (total is None and len(commits) >= most):
        of = f" of {total}" if total else ""
        return None, f"the list of commits is cut off at {len(commits)}{of}"
    paths: dict[str, None] = {}
    for one in commits:
        for part in (one.added, one.removed, one.modified):
            paths.update(dict.fromkeys(part if isinstance(part, list) else ()))
    if not paths or any(one.added is one.removed is one.modified is UNSET for one in commits):
        return None, "the push lists commits without their files"
    return tuple(paths), ""
