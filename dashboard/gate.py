"""What stands before Streamlit: loopback only, sign-in first, an index page in Chinese.

app.py checks the session again at each rerun; the gate here keeps a deep link from loading
any page at all before sign-in.
"""

from __future__ import annotations

import ipaddress
from html import escape
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import signin

PAGES = (
    "filing", "overview", "reporting", "corridors", "enterprises", "enterprise", "registry", "spurs",
    "official", "rules", "review", "tasks", "jobs",
)  # fmt: skip
_OPEN = ("/healthz", "/signin", "/signout", "/_stcore/", "/static/", "/media/", "/favicon")
_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "worker-src 'self' blob:; connect-src 'self' ws:; frame-ancestors 'none'; form-action 'self'"
)


def is_loopback(host: str | None) -> bool:
    """Whether a bound address or a Host header's name is this machine."""
    if host is None:
        return False
    name = host.strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class LoopbackOnly:
    """403 for a request that did not come to a loopback address under a loopback name.

    The demonstration's sign-in asks for no password, so nothing beyond this machine may reach it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        bound = (scope.get("server") or (None,))[0]
        named = HTTPConnection(scope).url.hostname
        if is_loopback(bound) and is_loopback(named):
            await self.app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            refusal = PlainTextResponse("演示登录只在本机（127.0.0.1）开放。", status_code=403)
            await refusal(scope, receive, send)


def _with_headers(scope: Scope, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and scope["type"] == "http":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "same-origin"
            headers["Content-Security-Policy"] = _POLICY
        await send(message)

    return sending


class SignedInOnly:
    """A page is sent to a signed-in browser only; anyone else is led to the sign-in and back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if signin.session_of(connection.cookies.get(signin.COOKIE)) is None:
            query = scope.get("query_string", b"").decode("latin-1")
            here = scope["path"] + (f"?{query}" if query else "")
            response: Response = RedirectResponse(f"/signin?next={quote(here, safe='')}", status_code=303)
            await response(scope, receive, send)
        elif scope["path"].strip("/") not in ("", *PAGES):
            await _not_found(scope["path"])(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _is_open(path: str) -> bool:
    return any(path == place or (place[-1] == "/" and path.startswith(place)) for place in _OPEN) or (
        path.startswith("/favicon")
    )


def _not_found(path: str) -> HTMLResponse:
    return HTMLResponse(
        signin.document("没有这个页面", f"<p>地址 {escape(path)} 不存在。<a href='/'>回到首页</a></p>"),
        status_code=404,
    )


class ChineseIndex:
    """Streamlit's index page says lang="en" and has an English title; the page is Chinese."""

    _WORDS = (
        (b'<html lang="en">', b'<html lang="zh-CN">'),
        (b"<title>Streamlit</title>", "<title>公转铁监测</title>".encode()),
        (
            b"You need to enable JavaScript to run this app.",
            "本系统需要浏览器启用 JavaScript。".encode(),
        ),
    )

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or _is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def collecting(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            content = bytes(body)
            if Headers(scope=start).get("content-type", "").startswith("text/html"):
                for english, chinese in self._WORDS:
                    content = content.replace(english, chinese)
                headers = MutableHeaders(scope=start)
                headers["content-length"] = str(len(content))
                # The words differ from the file that the tag and the date belong to.
                del headers["etag"], headers["last-modified"]
            await send(start)
            await send({"type": "http.response.body", "body": content})

        # Without these headers the file always comes whole and uncompressed, so the words can be set.
        scope = dict(scope)
        scope["headers"] = [
            (name, value)
            for name, value in scope["headers"]
            if name not in (b"if-none-match", b"if-modified-since", b"range", b"accept-encoding")
        ]
        await self.app(scope, receive, collecting)
