"""演示登录: a chooser of roles, and the sessions behind it.

The cookie holds a random token only; who it stands for is kept in this process. Loopback only
(gate.py refuses anything else), since no password is asked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from threading import Lock
from time import monotonic
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from etl.reference import data_folder, home_folder, load_declared
from etl.warehouse import snapshot
from etl.warehouse.scope import EVERYTHING, Scope

COOKIE = "railshift_session"
FORM_COOKIE = "railshift_form"
SESSION_SECONDS = 12 * 3600
FORM_SECONDS = 3600
_MOST_SESSIONS = 10_000
_MOST_FORM_BYTES = 10_000
_STYLE = (Path(__file__).parent / "signin.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Session:
    """One signed-in browser. `csrf` stands in each form that changes something."""

    scope: Scope
    csrf: str
    ends: float


_sessions: dict[str, Session] = {}
_lock = Lock()


def session_of(token: str | None) -> Session | None:
    """The session of a cookie; None = not signed in, signed out, or ended."""
    if not token:
        return None
    with _lock:
        session = _sessions.get(token)
        if session and session.ends <= monotonic():
            del _sessions[token]
            return None
        return session


def open_session(scope: Scope) -> str:
    """A new session's token."""
    now = monotonic()
    token = secrets.token_urlsafe(32)
    with _lock:
        for ended in [t for t, s in _sessions.items() if s.ends <= now]:
            del _sessions[ended]
        while len(_sessions) >= _MOST_SESSIONS:
            del _sessions[next(iter(_sessions))]
        _sessions[token] = Session(scope, secrets.token_urlsafe(32), now + SESSION_SECONDS)
    return token


def close_session(token: str) -> None:
    with _lock:
        _sessions.pop(token, None)


def safe_next(path: str | None) -> str:
    """Where to go after the sign-in: a path of this server, else its first page.

    An address of another host, also as `//host` or `/\\host`, is refused.
    """
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    if any(ord(c) < 32 or c == "\\" for c in path):
        return "/"
    parts = urlsplit(path)
    return "/" if parts.scheme or parts.netloc or parts.path in ("/signin", "/signout") else path


def choices() -> list[Scope]:
    """Whom the demonstration can look as; before the first build only the bureau, to see what is missing."""
    try:
        return snapshot.current(home_folder()).sign_in_choices()
    except snapshot.NothingPublished:
        return [EVERYTHING]


async def sign_in(request: Request) -> Response:
    """The chooser (GET) and the choice (POST)."""
    if request.method == "GET":
        return _chooser(safe_next(request.query_params.get("next")), "")
    form = await _form(request)
    following = safe_next(form.get("next"))
    sent, kept = form.get("csrf", ""), request.cookies.get(FORM_COOKIE, "")
    if not kept or not secrets.compare_digest(sent.encode(), kept.encode()):
        return _chooser(following, "登录页已过期，请重新选择。", status=403)
    scopes = choices()
    chosen = form.get("who", "")
    if not chosen.isdecimal() or int(chosen) >= len(scopes):
        return _chooser(following, "请选择一个身份。", status=400)
    response = RedirectResponse(following, status_code=303)
    token = open_session(scopes[int(chosen)])
    response.set_cookie(COOKIE, token, max_age=SESSION_SECONDS, httponly=True, samesite="lax", path="/")
    response.delete_cookie(FORM_COOKIE, path="/signin")
    return response


async def sign_out(request: Request) -> Response:
    """Ends the session of a form that carries its token; 403 otherwise."""
    token = request.cookies.get(COOKIE, "")
    session = session_of(token)
    form = await _form(request)
    if session and not secrets.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        return HTMLResponse(
            document("未退出", "<p>请从页面右上角退出。<a href='/'>返回</a></p>"), status_code=403
        )
    close_session(token)
    response = RedirectResponse("/signin", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; of a repeated field the first. Too large = no fields at all."""
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > _MOST_FORM_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _chooser(following: str, message: str, status: int = 200) -> HTMLResponse:
    csrf = secrets.token_urlsafe(32)
    options = "".join(
        f"<button name='who' value='{number}'><b>{escape(scope.role.value)}</b>"
        f"<span>{escape(scope.label)}</span></button>"
        for number, scope in enumerate(choices())
    )
    warning = f"<p class='warning' role='alert'>{escape(message)}</p>" if message else ""
    page = document(
        "演示登录",
        f"{warning}<p>请选择以哪个身份查看。演示登录不设密码，只在本机开放。</p>"
        f"<form method='post' action='/signin'><input type='hidden' name='csrf' value='{csrf}'>"
        f"<input type='hidden' name='next' value='{escape(following)}'>{options}</form>"
        f"<p class='basis'>{escape(_basis())}</p>",
    )
    response = HTMLResponse(page, status_code=status)
    response.set_cookie(
        FORM_COOKIE, csrf, max_age=FORM_SECONDS, httponly=True, samesite="strict", path="/signin"
    )
    return response


@cache
def _basis() -> str:
    return load_declared(data_folder()).plan.basis


def document(title: str, body: str) -> str:
    """A whole small page outside Streamlit. `title` is escaped here, `body` is markup."""
    return (
        "<!doctype html><html lang='zh-CN'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)} · 公转铁监测</title><style>{_STYLE}</style></head>"
        f"<body><main><p class='system'>公转铁监测</p><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
