"""Drone's resources as they are on the wire: which fields are known, and of which type.

Law: field for field what Drone's `core` types have, in their order; times are seconds. All may be left out or null, as
for Go's decoder; what an event cannot do without is checked in drone.py. Unknown fields pass.
"""

from typing import Annotated

from msgspec import Meta, Struct

Text = str | None
Flag = bool | None
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None
"""Go's int64: a receiver in Go reads nothing larger."""

Number = Annotated[int, Meta(ge=0, le=2**63 - 1)] | None
Texts = list[str] | None
Table = dict[str, Text] | None


class Anything(Struct):
    """An object, whatever is in it."""


class User(Struct, gc=False):
    """Who: an account."""

    id: Int = None
    login: Text = None
    email: Text = None
    machine: Flag = None
    admin: Flag = None
    active: Flag = None
    avatar: Text = None
    syncing: Flag = None
    synced: Int = None
    created: Int = None
    updated: Int = None
    last_login: Int = None


class Step(Struct, gc=False):
    """A command of a stage; `step_id` is the stage's id."""

    id: Int = None
    step_id: Int = None
    number: Int = None
    name: Text = None
    status: Text = None
    error: Text = None
    errignore: Flag = None
    exit_code: Int = None
    started: Int = None
    stopped: Int = None
    version: Int = None
    depends_on: Texts = None
    image: Text = None
    detached: Flag = None
    schema: Text = None


class Stage(Struct, gc=False):
    """A pipeline of a build."""

    id: Int = None
    repo_id: Int = None
    build_id: Int = None
    number: Int = None
    name: Text = None
    kind: Text = None
    type: Text = None
    status: Text = None
    error: Text = None
    errignore: Flag = None
    exit_code: Int = None
    machine: Text = None
    os: Text = None
    arch: Text = None
    variant: Text = None
    kernel: Text = None
    limit: Int = None
    throttle: Int = None
    started: Int = None
    stopped: Int = None
    created: Int = None
    updated: Int = None
    version: Int = None
    on_success: Flag = None
    on_failure: Flag = None
    depends_on: Texts = None
    labels: Table = None
    steps: list[Step] | None = None


class Build(Struct, gc=False):
    """A run of a repo's pipelines."""

    id: Int = None
    repo_id: Int = None
    trigger: Text = None
    number: Number = None
    parent: Int = None
    status: Text = None
    error: Text = None
    event: Text = None
    action: Text = None
    link: Text = None
    timestamp: Int = None
    title: Text = None
    message: Text = None
    before: Text = None
    after: Text = None
    ref: Text = None
    source_repo: Text = None
    source: Text = None
    target: Text = None
    author_login: Text = None
    author_name: Text = None
    author_email: Text = None
    author_avatar: Text = None
    sender: Text = None
    params: Table = None
    cron: Text = None
    deploy_to: Text = None
    deploy_id: Int = None
    debug: Flag = None
    started: Int = None
    finished: Int = None
    created: Int = None
    updated: Int = None
    version: Int = None
    stages: list[Stage] | None = None

    def numbered(self) -> int:
        """How many `number` members it was read from, its own counted as one."""
        count = 1
        for stage in self.stages or ():
            count += stage.number is not None
            for step in stage.steps or ():
                count += step.number is not None
        return count


class Repo(Struct, gc=False):
    """A repository."""

    id: Int = None
    uid: Text = None
    user_id: Int = None
    namespace: Text = None
    name: Text = None
    slug: Text = None
    scm: Text = None
    git_http_url: Text = None
    git_ssh_url: Text = None
    link: Text = None
    default_branch: Text = None
    private: Flag = None
    visibility: Text = None
    active: Flag = None
    config_path: Text = None
    trusted: Flag = None
    protected: Flag = None
    ignore_forks: Flag = None
    ignore_pull_requests: Flag = None
    auto_cancel_pull_requests: Flag = None
    auto_cancel_pushes: Flag = None
    auto_cancel_running: Flag = None
    timeout: Int = None
    throttle: Int = None
    counter: Int = None
    synced: Int = None
    created: Int = None
    updated: Int = None
    version: Int = None
    build: Build | None = None
    permissions: Anything | None = None
    archived: Flag = None


class System(Struct, gc=False):
    """The Drone server."""

    proto: Text = None
    host: Text = None
    link: Text = None
    version: Text = None
