"""Launchpad's event types, and what the payload of each has.

Law: what Launchpad documents and what its own source sends, both where they differ. A type that is not here is none of
ours to refuse. Versions are part of the name.
"""

from collections.abc import Mapping

from msgspec import Struct

_MERGE = {"old": "created", "new": "deleted"}
_BUG = {"old": "created"}


class Type(Struct, frozen=True):
    """A type of events.

    Attributes:
        about: of the keys, the one whose value is the object's path; order is kept within it. "" for none.
        keys: what a payload cannot do without.
        unless: what it cannot do without unless the action is this one.
    """

    about: str
    keys: tuple[str, ...]
    unless: Mapping[str, str] = {}


TYPES: Mapping[str, Type] = {
    "ping": Type("", ("ping",)),
    "git:push:0.1": Type("git_repository", ("git_repository", "git_repository_path", "ref_changes")),
    "bzr:push:0.1": Type("bzr_branch", ("bzr_branch", "bzr_branch_path", "old", "new")),
    "merge-proposal:0.1": Type("merge_proposal", ("action", "merge_proposal"), _MERGE),
    "ci:build:0.1": Type("git_repository", ("build", "action", "git_repository", "commit_sha1", "status")),
    "snap:build:0.1": Type("snap", ("snap_build", "action", "snap", "status", "store_upload_status")),
    "livefs:build:0.1": Type("livefs", ("livefs_build", "action", "livefs", "status")),
    "ocrecipe:build:0.1": Type(
        "ocirecipe", ("ocirecipe_build", "action", "ocirecipe", "status", "registry_upload_status")
    ),
    "oci-recipe:build:0.1": Type("recipe", ("recipe_build", "action", "recipe", "status", "registry_upload_status")),
    "charm-recipe:build:0.1": Type("recipe", ("recipe_build", "action", "recipe", "status", "store_upload_status")),
    "craft-recipe:build:0.1": Type("recipe", ("craft_build", "action", "recipe", "status")),
    "bug:0.1": Type("bug", ("action", "target", "bug", "new"), _BUG),
    "bug:comment:0.1": Type("bug", ("action", "target", "bug", "bug_comment", "new"), _BUG),
    "archive:source-package-upload:0.1": Type("archive", ("package_upload", "action", "status", "archive")),
    "archive:binary-package-upload:0.1": Type(
        "archive", ("package_upload", "action", "status", "archive", "source_package_name")
    ),
    "archive:binary-build:0.1": Type(
        "archive", ("build", "action", "status", "archive", "source_package_name", "buildlog")
    ),
}
"""By parent type, without `::sub`. A `build_request` is there only "if any". The OCI recipe's type is documented as the
first and sent as the second; a bug's reporter is documented as `reported` and sent as `reporter`."""

KINDS: Mapping[str, type] = {
    **dict.fromkeys((type_.about for type_ in TYPES.values() if type_.about), str),
    **dict.fromkeys(("action", "status", "target", "build", "git_repository_path", "bzr_branch_path"), str),
    **dict.fromkeys(("snap_build", "livefs_build", "ocirecipe_build", "recipe_build", "craft_build"), str),
    **dict.fromkeys(("commit_sha1", "bug_comment", "package_upload"), str),
    **dict.fromkeys(("old", "new", "ref_changes"), dict),
}
"""What kind the members are of whose kind Launchpad leaves no doubt."""

PING, PUSH, BUILD, PROPOSAL = "ping", "git:push:0.1", "ci:build:0.1", "merge-proposal:0.1"
PATHS = ("source_git_path", "target_git_path")
"""A proposal's attributes that are git refs; null for Bazaar's."""
