"""登录: the pages before and around a session, outside Streamlit.

In the demonstration a role is chosen and no password asked; gate.py lets nothing but this machine there. Real
data open to accounts only: a name and a password, or the provider of oidc.py. A session lies in the ledger, so
that all processes know it and it ends everywhere at once; the cookie holds a random token.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboard import cookies, desk, oidc
from etl import accounts, demo
from etl.accounts import AccountRefused, Identity, Session, SignInRefused
from etl.ledger.schema import LedgerUnavailable
from etl.reference import DeclaredDataError, data_folder, home_folder, load_declared
from etl.roles import NotAllowed
from etl.warehouse import snapshot
from etl.warehouse.scope import EVERYTHING, Scope

SIGN_IN, SIGN_OUT, PASSWORD, VIEW_AS, PROVIDER = "/signin", "/signout", "/password", "/viewas", "/signin/oidc"
EXPIRED = "登录页已过期，请重新填写。"
SIGN_IN_FAILED = "统一身份认证没有成功，请重试；仍然不行时，请联系系统管理员。"
# Each takes 64 MB for its moment.
HASHES_AT_ONCE = 4
_MOST_FORM_BYTES = 10_000
_STYLE = (Path(__file__).parent / "signin.css").read_text(encoding="utf-8")
LOG = logging.getLogger("railshift.dashboard")
T = TypeVar("T")


def is_demonstration() -> bool:
    """Whether this server shows the labelled sample, in a folder marked as such."""
    return demo.overlay_of(home_folder()) is not None


def session_of(token: str) -> Session | None:
    """The session of a cookie; None = not signed in, signed out, or ended. Errors: LedgerUnavailable."""
    return accounts.session_of(desk.workplace(), token) if token else None


async def session_in(request: Request) -> Session | None:
    """The session of a request, asked of the ledger now."""
    return await anyio.to_thread.run_sync(session_of, token_in(request))


def token_in(request: Request) -> str:
    return cookies.token_of(request.cookies, cookies.is_secure(request))


def safe_next(path: str | None) -> str:
    """Where to go after the sign-in: a path of this server, else its first page.

    An address of another host, also as `//host` or `/\\host`, is refused.
    """
    if not path or not path.startswith("/") or path.startswith("//"):
        return "/"
    if any(ord(c) < 32 or c == "\\" for c in path):
        return "/"
    parts = urlsplit(path)
    is_ours = parts.path in (SIGN_IN, SIGN_OUT, PASSWORD, VIEW_AS, PROVIDER)
    return "/" if parts.scheme or parts.netloc or is_ours else path


def choices() -> list[Scope]:
    """Whom the demonstration can look as; before the first build only the bureau, to see what is missing."""
    try:
        return snapshot.current(home_folder()).sign_in_choices()
    except snapshot.NothingPublished:
        return [EVERYTHING]


# ------------------------------------------------------------------------------------------------- the routes


async def sign_in(request: Request) -> Response:
    """The chooser or the form (GET), and what was chosen or typed (POST)."""
    draw = _chooser if is_demonstration() else _form_page
    if request.method == "GET":
        return draw(request, safe_next(request.query_params.get("next")))
    form = await _form(request)
    following = safe_next(form.get("next"))
    kept = cookies.token_of(request.cookies, cookies.is_secure(request), cookies.FORM)
    if not kept or not _same(form.get("csrf", ""), kept):
        return draw(request, following, EXPIRED, status=403)
    if is_demonstration():
        scopes, chosen = choices(), form.get("who", "")
        if not chosen.isdecimal() or int(chosen) >= len(scopes):
            return draw(request, following, "请选择一个身份。", status=400)
        come_in = partial(accounts.demonstrate, desk.workplace(), scopes[int(chosen)])
    else:
        name, password = form.get("name", ""), form.get("password", "")
        come_in = partial(accounts.sign_in, desk.workplace(), name, password)
    try:
        token = await _hashing(come_in)
    except SignInRefused as refusal:
        return draw(request, following, str(refusal), status=403, name=form.get("name", ""))
    return await let_in(request, token, following)


async def let_in(request: Request, token: str, following: str) -> Response:
    """Send a browser on with its new session; one that it still had ends."""
    await anyio.to_thread.run_sync(accounts.sign_out, desk.workplace(), token_in(request), "重新登录")
    response = RedirectResponse(following, status_code=303)
    secure = cookies.is_secure(request)
    cookies.put(response, cookies.SESSION, token, secure)
    cookies.drop(response, cookies.FORM, secure)
    return response


async def sign_out(request: Request) -> Response:
    """Ends the session of a form that carries its token; 403 otherwise."""
    session, form = await session_in(request), await _form(request)
    if session and not _same(form.get("csrf", ""), session.csrf):
        return _refused("未退出", "请从页面右上角退出。")
    await anyio.to_thread.run_sync(accounts.sign_out, desk.workplace(), token_in(request))
    response = RedirectResponse(SIGN_IN, status_code=303)
    cookies.drop(response, cookies.SESSION, cookies.is_secure(request))
    return response


async def change_password(request: Request) -> Response:
    """One's own password: the form (GET) and what was typed (POST)."""
    session = await session_in(request)
    if session is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    if request.method == "GET":
        return _password_page(session)
    form = await _form(request)
    if not _same(form.get("csrf", ""), session.csrf):
        return _password_page(session, EXPIRED, status=403)
    if form.get("new", "") != form.get("again", ""):
        return _password_page(session, "两次输入的新密码不一致。", status=400)
    change = partial(
        accounts.change_password,
        desk.workplace(),
        token_in(request),
        form.get("old", ""),
        form.get("new", ""),
    )
    try:
        token = await _hashing(change)
    except AccountRefused as refusal:
        return _password_page(session, str(refusal), status=400)
    except SignInRefused as refusal:
        return _form_page(request, "/", str(refusal), status=403)
    return await let_in(request, token, "/")


async def view_as(request: Request) -> Response:
    """Look as another account (`who`), or as oneself again (without it)."""
    session, form = await session_in(request), await _form(request)
    if session is None:
        return RedirectResponse(SIGN_IN, status_code=303)
    if not _same(form.get("csrf", ""), session.csrf):
        return _refused("未切换", "页面已过期，请返回后重试。")
    who, work, token = form.get("who", ""), desk.workplace(), token_in(request)
    try:
        if who:
            await anyio.to_thread.run_sync(accounts.view_as, work, token, who)
        else:
            await anyio.to_thread.run_sync(accounts.end_view, work, token)
    except (NotAllowed, AccountRefused, SignInRefused) as refusal:
        return _refused("未切换", str(refusal))
    return RedirectResponse("/" if who else "/accounts", status_code=303)


async def to_provider(request: Request) -> Response:
    """To the provider; where the browser wanted to go is kept until it comes back."""
    if is_demonstration() or not oidc.is_configured():
        return RedirectResponse(SIGN_IN, status_code=303)
    response = RedirectResponse(oidc.login_address(), status_code=303)
    following = safe_next(request.query_params.get("next"))
    cookies.put(
        response, cookies.FOLLOWING, following, cookies.is_secure(request), seconds=cookies.FORM_SECONDS
    )
    return response


async def from_provider(request: Request, identity: Identity | None) -> Response:
    """What becomes of whom the provider has sent back. None = it vouched for nobody."""
    if identity is None:
        return _form_page(request, "/", SIGN_IN_FAILED, status=403)
    try:
        token = await anyio.to_thread.run_sync(accounts.sign_in_as, desk.workplace(), identity)
    except SignInRefused as refusal:
        return _form_page(request, "/", str(refusal), status=403)
    response = await let_in(request, token, safe_next(oidc.following(request)))
    cookies.drop(response, cookies.FOLLOWING, cookies.is_secure(request))
    return response


@cache
def _limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(HASHES_AT_ONCE)


async def _hashing(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work, limiter=_limiter())


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; of a repeated field the first. Too large = no fields at all."""
    body = bytearray()
    async for chunk in request.stream():
        body.extend(chunk)
        if len(body) > _MOST_FORM_BYTES:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _same(sent: str, kept: str) -> bool:
    return secrets.compare_digest(sent.encode(), kept.encode())


# -------------------------------------------------------------------------------------------------- the pages


def _chooser(
    request: Request, following: str, message: str = "", *, status: int = 200, name: str = ""
) -> HTMLResponse:
    csrf = secrets.token_urlsafe(32)
    options = "".join(
        f"<button name='who' value='{number}'><b>{escape(scope.role.value)}</b>"
        f"<span>{escape(scope.label)}</span></button>"
        for number, scope in enumerate(choices())
    )
    body = (
        f"{_warning(message)}<p>请选择以哪个身份查看。演示登录不设密码，只在本机开放。</p>"
        f"<form class='choices' method='post' action='{SIGN_IN}'>{_hidden(csrf, following)}{options}</form>"
    )
    return _with_form(request, "演示登录", body, csrf, status)


def _form_page(
    request: Request, following: str, message: str = "", *, status: int = 200, name: str = ""
) -> HTMLResponse:
    csrf, provider = secrets.token_urlsafe(32), ""
    if oidc.is_configured():
        address = f"{PROVIDER}?next={quote(following, safe='')}"
        provider = f"<p class='provider'><a href='{address}'>用统一身份认证登录</a></p>"
    body = (
        f"{_warning(message)}{provider}<form class='typed' method='post' action='{SIGN_IN}'>"
        f"{_hidden(csrf, following)}"
        "<label>账号<input name='name' autocomplete='username' autocapitalize='none' required "
        f"value='{escape(name)}'></label>"
        "<label>密码<input name='password' type='password' autocomplete='current-password' required></label>"
        "<button>登录</button></form>"
        "<p class='hint'>忘记密码或账号被锁定，请联系系统管理员。</p>"
    )
    return _with_form(request, "登录", body, csrf, status)


def _hidden(csrf: str, following: str) -> str:
    return (
        f"<input type='hidden' name='csrf' value='{csrf}'>"
        f"<input type='hidden' name='next' value='{escape(following)}'>"
    )


def _with_form(request: Request, title: str, body: str, csrf: str, status: int) -> HTMLResponse:
    """A page whose form counts only together with the cookie that goes out with it."""
    basis = f"<p class='basis'>{escape(_basis())}</p>"
    response = HTMLResponse(document(title, body + basis), status_code=status)
    secure = cookies.is_secure(request)
    cookies.put(response, cookies.FORM, csrf, secure, seconds=cookies.FORM_SECONDS, same_site="strict")
    return response


def _password_page(session: Session, message: str = "", status: int = 200) -> HTMLResponse:
    why = "首次登录或密码到期，请先设置自己的密码。" if session.must_change else ""
    back = "" if session.must_change else "<p class='hint'><a href='/'>不改了，返回</a></p>"
    out = (
        f"<form class='typed' method='post' action='{SIGN_OUT}'>"
        f"<input type='hidden' name='csrf' value='{session.csrf}'><button class='quiet'>退出</button></form>"
        if session.must_change
        else ""
    )
    least, kept = accounts.LEAST_LENGTH, accounts.KEPT_PASSWORDS
    page = document(
        "更换密码",
        f"{_warning(message)}<p>{why}新密码至少{least}位，不含账号名，不与最近{kept}次的相同；"
        "可以用一句只有自己想得到的话，字母、数字、符号、空格和汉字都行。</p>"
        f"<form class='typed' method='post' action='{PASSWORD}'>"
        f"<input type='hidden' name='csrf' value='{session.csrf}'>"
        f"<input type='hidden' name='name' autocomplete='username' value='{escape(session.account.name)}'>"
        "<label>原密码<input name='old' type='password' autocomplete='current-password' required></label>"
        f"<label>新密码<input name='new' type='password' autocomplete='new-password' required></label>"
        "<label>再输入一次<input name='again' type='password' autocomplete='new-password' required></label>"
        f"<button>更换</button></form>{back}{out}",
    )
    return HTMLResponse(page, status_code=status)


def _refused(title: str, sentence: str) -> HTMLResponse:
    return HTMLResponse(document(title, f"<p>{escape(sentence)}<a href='/'>返回</a></p>"), status_code=403)


def unavailable(error: LedgerUnavailable | DeclaredDataError) -> HTMLResponse:
    """The ledger cannot be asked, so nobody is let in."""
    LOG.error("sign-in impossible: %s", error)
    return HTMLResponse(
        document("暂时不能登录", "<p>账本暂时无法打开，请稍后再试；仍然不行时，请联系系统管理员。</p>"),
        status_code=503,
    )


def _warning(message: str) -> str:
    return f"<p class='warning' role='alert'>{escape(message)}</p>" if message else ""


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
