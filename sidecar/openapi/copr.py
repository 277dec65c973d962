"""The operations on projects and packages, in Copr's words, and the log of what comes in.

Law: a row for each row of the routes, and a problem for each that its handler may raise.
"""

from msgspec import Struct

from sidecar import errors
from sidecar.api.hooks import HooksView
from sidecar.api.members import NotUsable
from sidecar.api.packages import NewPackage, PackageEdit, PackageList, PackageView
from sidecar.api.projects import GeneratedView, NewProject, Nothing, ProjectEdit, ProjectView
from sidecar.openapi.operation import Operation, Parameter, Problems, Reply, one_page
from sidecar.openapi.schemas import TEXT
from sidecar.web.problems import TooSlow
from sidecar.web.reading import JSON


class ProjectList(Struct):
    """Projects, oldest first."""

    items: list[ProjectView]


OWNER = Parameter("ownername", "path", {**TEXT, "minLength": 1}, "A user, or `@group`.")
PROJECT = Parameter("projectname", "path", {**TEXT, "minLength": 1}, "The project's name.")
PACKAGE = Parameter("package", "path", {**TEXT, "minLength": 1}, "The package's name.")
BODY: Problems = (errors.Malformed, errors.TooLarge, errors.WrongType, NotUsable, TooSlow, errors.Unavailable)
WHICH = (OWNER, PROJECT)

COPR: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/hooks",
        summary="List incoming webhooks, newest first, also those that were refused.",
        tag="incoming",
        parameters=one_page("after", "The `next` of the page before."),
        replies=(Reply(200, "A page.", HooksView),),
        problems=(errors.Malformed,),
    ),
    Operation(
        method="GET",
        path="/api_3/project/list",
        summary="List projects.",
        tag="projects",
        parameters=(Parameter("ownername", "query", TEXT, "Only this owner's."),),
        replies=(Reply(200, "The projects.", ProjectList),),
        problems=(errors.Malformed,),
    ),
    Operation(
        method="POST",
        path="/api_3/project/add/{ownername}",
        summary="Add a project.",
        tag="projects",
        parameters=(OWNER,),
        bodies={JSON: NewProject},
        example={"name": "daily", "chroots": ["fedora-44-x86_64"], "pull_requests": "none"},
        replies=(Reply(200, "The project.", ProjectView),),
        problems=(*BODY, errors.Conflicting, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/project/edit/{ownername}/{projectname}",
        summary="Change a project; what is left out stays.",
        tag="projects",
        parameters=WHICH,
        bodies={JSON: ProjectEdit},
        example={"pull_requests": "open", "forge_keys": {"pagure": "the key that Pagure shows"}},
        is_body_needed=False,
        replies=(Reply(200, "The project.", ProjectView),),
        problems=(*BODY, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/project/delete/{ownername}/{projectname}",
        summary="Delete a project, with its packages, secrets and keys.",
        tag="projects",
        parameters=WHICH,
        bodies={JSON: Nothing},
        is_body_needed=False,
        replies=(Reply(200, "The project as it was.", ProjectView),),
        problems=(*BODY, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/webhook/generate/{ownername}/{projectname}",
        summary="Make a new webhook secret; this answer alone shows it.",
        tag="projects",
        parameters=(
            *WHICH,
            Parameter("overlap", "query", TEXT, "How long the old one is still good, such as `1h`; at most 30d."),
        ),
        bodies={JSON: Nothing},
        is_body_needed=False,
        replies=(Reply(200, "The secret.", GeneratedView),),
        problems=(*BODY, errors.NotFound),
    ),
    Operation(
        method="GET",
        path="/api_3/package/list",
        summary="List a project's packages, by name.",
        tag="packages",
        parameters=(
            Parameter("ownername", "query", TEXT, "The project's owner; must be there."),
            Parameter("projectname", "query", TEXT, "The project's name; must be there."),
            *one_page("offset", "How many to leave out."),
        ),
        replies=(Reply(200, "A page of packages.", PackageList),),
        problems=(errors.Malformed, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/package/add/{ownername}/{projectname}/{package}",
        summary="Add a package.",
        tag="packages",
        parameters=(*WHICH, PACKAGE),
        bodies={JSON: NewPackage},
        example={"clone_url": "https://github.com/rpms/nano", "committish": "main", "webhook_rebuild": True},
        replies=(Reply(200, "The package.", PackageView),),
        problems=(*BODY, errors.Conflicting, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/package/edit/{ownername}/{projectname}/{package}",
        summary="Change a package; what is left out stays.",
        tag="packages",
        parameters=(*WHICH, PACKAGE),
        bodies={JSON: PackageEdit},
        example={"webhook_rebuild": True},
        is_body_needed=False,
        replies=(Reply(200, "The package.", PackageView),),
        problems=(*BODY, errors.NotFound),
    ),
    Operation(
        method="POST",
        path="/api_3/package/delete/{ownername}/{projectname}/{package}",
        summary="Delete a package.",
        tag="packages",
        parameters=(*WHICH, PACKAGE),
        replies=(Reply(200, "The package as it was.", PackageView),),
        problems=(errors.NotFound, errors.Unavailable),
    ),
)
