"""Signing in and out with a browser.

Law: the token is in the form's body and nowhere else; where one goes next is a path of our own.
"""

from aiohttp import hdrs, web

from sidecar.admin.forms import form
from sidecar.admin.guard import Guard
from sidecar.admin.pages import Pages
from sidecar.admin.sessions import COOKIE, LIFETIME


class SigningIn:
    """`/sign-in` and `/sign-out`."""

    def __init__(self, guard: Guard, pages: Pages) -> None:
        self._guard = guard
        self._pages = pages

    async def show(self, request: web.Request) -> web.StreamResponse:
        after = _ours(request.query.get("next", ""))
        return await self._pages.page(request, "sign-in", {"next": after, "wrong": False})

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """With the right token a session begins."""
        given = await form(request)
        after = _ours(given.get("next", ""))
        if not await self._guard.is_right(request, given.get("token", "")):
            return await self._pages.page(request, "sign-in", {"next": after, "wrong": True}, 401)
        answer = _to(after)
        answer.set_cookie(
            COOKIE,
            self._guard.sessions.begin(),
            max_age=LIFETIME // 1000,
            httponly=True,
            samesite="Strict",
            secure=request.headers.get("X-Forwarded-Proto") == "https",
        )
        return answer

    async def end(self, request: web.Request) -> web.StreamResponse:
        """The session ends here, whatever becomes of the cookie."""
        self._guard.sessions.end(request.cookies.get(COOKIE, ""))
        answer = _to("/")
        answer.del_cookie(COOKIE)
        return answer


def _to(path: str) -> web.Response:
    return web.Response(status=303, headers={hdrs.LOCATION: path})


def _ours(path: str) -> str:
    """A path of ours, or `/`: never a way to another host, which `//`, a backslash or a control character can be."""
    fine = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fine else "/"
