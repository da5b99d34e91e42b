"""What stands before Streamlit: the demonstration on loopback only, sign-in first, headers, an index in Chinese.

app.py checks the session again at each rerun; the gate here keeps a deep link from loading any page at all
before sign-in, and files from whoever is signed out.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from html import escape
from urllib.parse import quote

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import cookies, oidc, signin
from etl.ledger.schema import LedgerUnavailable
from etl.reference import DeclaredDataError

PAGES = (
    "filing", "overview", "reporting", "corridors", "enterprises", "enterprise", "registry", "spurs",
    "official", "rules", "review", "tasks", "jobs", "accounts",
)  # fmt: skip
# Streamlit's own program, which is the same for everybody, and what comes before a session.
_OPEN = (
    "/healthz", signin.SIGN_IN, signin.SIGN_OUT, signin.PASSWORD, signin.VIEW_AS, signin.PROVIDER, "/static/",
    "/favicon", "/_stcore/health", "/_stcore/script-health-check", "/_stcore/host-config", "/_stcore/stream",
)  # fmt: skip
# What people have brought or take away: no page that a browser could be led from to the sign-in.
_FILES = ("/media/", "/_stcore/")
_ANSWERS = {"/static/": "public, max-age=31536000, immutable", "": "no-store"}
# Streamlit's program writes styles into the page as it runs; scripts come from files and by their hashes only, and
# from a blob: so does it load the copy button's.
_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; img-src 'self' data: blob:; font-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; script-src 'self' blob:{scripts}; worker-src 'self' blob:; "
    "connect-src 'self'{socket}; frame-ancestors 'none'; form-action 'self'"
)
_OWN_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
_PERMISSIONS = "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
_HSTS = "max-age=31536000"
_HOST = re.compile(r"[\w.:\[\]-]+")
_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


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


class Doorkeeper:
    """Headers for every answer, and 403 for a request that came under an address that is not ours.

    The demonstration's sign-in asks for no password, so nothing beyond this machine may reach it. Where
    RAILSHIFT_URL says how the service is called, it answers to no other name beyond this machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if not refusal:
            await self.app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(refusal, status_code=403)(scope, receive, send)


def _refusal(scope: Scope) -> str:
    """Why a request is not answered at all; '' = it is."""
    bound = (scope.get("server") or (None,))[0]
    named = HTTPConnection(scope).url.hostname
    if signin.is_demonstration():
        return "" if is_loopback(bound) and is_loopback(named) else "演示登录只在本机（127.0.0.1）开放。"
    own = cookies.own_address()
    if own.hostname and named != own.hostname and not (is_loopback(bound) and is_loopback(named)):
        return f"请从 {own.geturl()} 打开。"
    return ""


def _with_headers(scope: Scope, send: Send) -> Send:
    secure = cookies.is_secure(HTTPConnection(scope))
    host = Headers(scope=scope).get("host", "")
    socket = f" {'wss' if secure else 'ws'}://{host}" if _HOST.fullmatch(host) else ""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and scope["type"] == "http":
            headers = MutableHeaders(scope=message)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "same-origin"
            headers["Permissions-Policy"] = _PERMISSIONS
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            if secure:
                headers["Strict-Transport-Security"] = _HSTS
            is_program = scope["path"].startswith("/static/") and message["status"] == 200
            headers["Cache-Control"] = _ANSWERS["/static/" if is_program else ""]
            scripts = headers.get("x-railshift-scripts", "")
            del headers["x-railshift-scripts"]
            headers["Content-Security-Policy"] = (
                _OWN_POLICY if _is_own(scope["path"]) else _POLICY.format(scripts=scripts, socket=socket)
            )
            if secure:
                # Streamlit's own cookies do not say so themselves.
                message["headers"] = [
                    (name, value + b"; Secure" if _lacks_secure(name, value) else value)
                    for name, value in message["headers"]
                ]
        await send(message)

    return sending


def _lacks_secure(name: bytes, value: bytes) -> bool:
    return name.lower() == b"set-cookie" and b"secure" not in value.lower().split(b";", 1)[-1]


def _is_own(path: str) -> bool:
    return path in (signin.SIGN_IN, signin.SIGN_OUT, signin.PASSWORD, signin.VIEW_AS)


class SignedInOnly:
    """A page or a file is sent to a signed-in browser only; anyone else is led to the sign-in and back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._safely(scope, receive, send)
            return
        path, request = scope["path"], Request(scope)
        try:
            session = await signin.session_in(request)
        except (LedgerUnavailable, DeclaredDataError) as error:
            await signin.unavailable(error)(scope, receive, send)
            return
        is_file = path.startswith(_FILES)
        if session is None and is_file:
            response: Response = PlainTextResponse("登录已结束，请重新登录。", status_code=403)
            await response(scope, receive, send)
        elif session is None:
            query = scope.get("query_string", b"").decode("latin-1")
            here = path + (f"?{query}" if query else "")
            response = RedirectResponse(f"{signin.SIGN_IN}?next={quote(here, safe='')}", status_code=303)
            await response(scope, receive, send)
        elif session.must_change:
            await RedirectResponse(signin.PASSWORD, status_code=303)(scope, receive, send)
        elif not is_file and path.strip("/") not in ("", *PAGES):
            await _not_found(path)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _safely(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except (LedgerUnavailable, DeclaredDataError) as error:
            if scope["type"] != "http":
                raise
            await signin.unavailable(error)(scope, receive, send)


class FromProvider:
    """Turns Streamlit's answer to the provider's call back into a session of ours (see oidc.py)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != oidc.CALLBACK:
            await self.app(scope, receive, send)
            return
        start: Message = {}

        async def holding(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message

        await self.app(scope, receive, holding)
        brought = Headers(scope=start).getlist("set-cookie")
        identity = await anyio.to_thread.run_sync(oidc.identity_of, brought)
        response = await signin.from_provider(Request(scope), identity)
        for header in brought:
            if not oidc.is_streamlits(header):
                response.raw_headers.append((b"set-cookie", header.encode("latin-1")))
        await response(scope, receive, send)


def _is_open(path: str) -> bool:
    if path in (oidc.CALLBACK, oidc.LOGIN):
        return oidc.is_configured() and not signin.is_demonstration()
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
                # The policy allows the scripts that stand in the page by what they say, and no others.
                headers["x-railshift-scripts"] = _hashes(content)
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


def _hashes(content: bytes) -> str:
    """The scripts that stand in a page, as a policy names them."""
    digests = (hashlib.sha256(script).digest() for script in _SCRIPT.findall(content))
    return "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
