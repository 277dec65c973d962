"""Words for tests of the pages: what a browser asks, and signing in. Law: over HTTP, as all of the admin listener."""

import re
from urllib.parse import urlencode

from admin_rig import TOKEN, Admin
from api_rig import Answer, build

from sidecar.model import Dead, Response

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
FORM = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
PAUSE = "/endpoints/hook/pause"


async def page(admin: Admin, path: str, status_code: int = 200) -> str:
    answer = await admin.get(path, HTML)
    assert (answer.status, answer.headers["Content-Type"]) == (status_code, "text/html; charset=utf-8"), answer.body
    return answer.body.decode()


async def post(admin: Admin, path: str, **fields: str) -> Answer:
    return await admin.post(path, FORM, data=urlencode(fields))


async def sign_in(admin: Admin, after: str = "/") -> str:
    """Signed in; the word for forms."""
    answer = await post(admin, "/sign-in", token=TOKEN, next=after)
    assert (answer.status, answer.headers["Location"]) == (303, after)
    found = re.search(r'name="csrf" value="(\w+)"', await page(admin, "/"))
    assert found
    return found[1]


async def dead_letter(admin: Admin, answer: bytes) -> int:
    """A delivery to `hook` that was refused with this answer."""
    [number] = await admin.house.accepted(build())
    await admin.house.settle(await admin.house.claim(), Dead("refused"), Response(422, answer))
    return number
