"""Who gets in, from where, and to what place afterwards."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard import cookies, desk, gate, oidc, signin
from etl import accounts, demo
from etl.ledger.schema import LedgerUnavailable
from etl.warehouse.scope import EVERYTHING


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A demonstration's folder, empty."""
    (tmp_path / demo.MARKER).write_text("演示数据", encoding="utf-8")
    monkeypatch.setenv("RAILSHIFT_HOME", str(tmp_path))
    for name in (cookies.URL_VARIABLE, oidc.ISSUER):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def real(home: Path) -> None:
    """The same folder with real data to come."""
    (home / demo.MARKER).unlink()


@pytest.mark.parametrize(
    "path", ["/overview", "/overview?year=2025&county=%E4%BF%9D%E5%BE%B7%E5%8E%BF", "/enterprise?unit=1", "/"]
)
def test_a_path_of_this_server_is_kept(path: str) -> None:
    assert signin.safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    ["", None, "overview", "//evil.example", "/\\evil.example", "https://evil.example/", "/\t/evil.example",
     "/a\r\nSet-Cookie: x=1", "/signin?next=/", "/signout", "javascript:alert(1)"],
)  # fmt: skip
def test_any_other_address_leads_to_the_first_page(path: str | None) -> None:
    assert signin.safe_next(path) == "/"


@pytest.mark.parametrize(
    "host, inside",
    [("127.0.0.1", True), ("127.8.0.1", True), ("localhost", True), ("[::1]", True), ("::1", True),
     ("192.168.1.5", False), ("0.0.0.0", False), ("rail.example", False), ("127.0.0.1.example", False),
     ("", False), (None, False)],
)  # fmt: skip
def test_only_this_machine_is_loopback(host: str | None, inside: bool) -> None:
    assert gate.is_loopback(host) is inside


async def _inner(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/html"), (b"set-cookie", b"_streamlit_xsrf=x; Path=/")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    body = (
        b'<html lang="en"><title>Streamlit</title><script>own()</script><script src="x.js"></script></html>'
    )
    await send({"type": "http.response.body", "body": body})


def answer(
    app: Any,
    path: str,
    *,
    bound: str = "127.0.0.1",
    host: str = "127.0.0.1:8501",
    cookie: str = "",
    scheme: str = "http",
) -> Any:
    """Status, headers and body that an application sends for a GET."""
    scope = {
        "type": "http", "method": "GET", "scheme": scheme, "path": path.split("?")[0], "root_path": "",
        "query_string": path.partition("?")[2].encode(), "server": (bound, 8501),
        "headers": [(b"host", host.encode()), (b"cookie", cookie.encode())],
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    # In a thread of its own: the browser tests of the same run keep an event loop open in this one.
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(lambda: asyncio.run(app(scope, receive, send))).result()
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(m.get("body", b"") for m in sent[1:])


@pytest.mark.parametrize("bound, host", [("192.168.1.5", "127.0.0.1"), ("127.0.0.1", "rail.example:8501")])
def test_a_request_from_beyond_the_machine_gets_no_demonstration(bound: str, host: str) -> None:
    status, _, body = answer(gate.Doorkeeper(_inner), "/overview", bound=bound, host=host)
    assert status == 403
    assert "只在本机" in body.decode()


@pytest.mark.parametrize(
    "host, status",
    [("rail.example", 200), ("rail.example:8501", 200), ("evil.example", 403), ("127.0.0.1", 403)],
)
def test_real_data_answer_to_the_name_that_was_set(
    real: None, monkeypatch: pytest.MonkeyPatch, host: str, status: int
) -> None:
    assert answer(gate.Doorkeeper(_inner), "/overview", bound="10.0.0.5", host="any.example")[0] == 200
    monkeypatch.setenv(cookies.URL_VARIABLE, "https://rail.example")
    assert answer(gate.Doorkeeper(_inner), "/overview", bound="10.0.0.5", host=host)[0] == status


def test_a_deep_link_is_led_to_the_sign_in_and_keeps_its_address() -> None:
    status, headers, _ = answer(gate.SignedInOnly(_inner), "/enterprise?unit=1&year=2025")
    assert status == 303
    assert headers["location"] == "/signin?next=%2Fenterprise%3Funit%3D1%26year%3D2025"


@pytest.mark.parametrize("path", ["/media/abc.csv", "/_stcore/upload_file/a/b", "/_stcore/metrics"])
def test_a_file_is_refused_to_whom_is_signed_out(path: str) -> None:
    assert answer(gate.SignedInOnly(_inner), path)[0] == 403
    assert answer(gate.SignedInOnly(_inner), path, cookie=signed_in())[0] == 200


@pytest.mark.parametrize("path", [oidc.CALLBACK, oidc.LOGIN])
def test_the_providers_ways_are_closed_without_a_provider(real: None, path: str) -> None:
    assert answer(gate.SignedInOnly(_inner), path)[0] == 303


def test_a_signed_in_browser_gets_the_page_and_an_unknown_one_a_sentence() -> None:
    assert answer(gate.SignedInOnly(_inner), "/overview", cookie=signed_in())[0] == 200
    status, _, body = answer(gate.SignedInOnly(_inner), "/<b>", cookie=signed_in())
    assert status == 404
    assert "&lt;b&gt;" in body.decode()


def signed_in() -> str:
    """The cookie of a browser that has chosen a role."""
    return f"{cookies.SESSION}={accounts.demonstrate(desk.workplace(), EVERYTHING)}"


def test_the_index_page_is_chinese() -> None:
    _, headers, body = answer(gate.ChineseIndex(_inner), "/overview")
    assert 'lang="zh-CN"' in body.decode()
    assert "公转铁监测" in body.decode()
    assert headers["content-length"] == str(len(body))


def test_only_the_scripts_of_the_page_itself_may_run() -> None:
    digest = base64.b64encode(hashlib.sha256(b"own()").digest()).decode()
    _, headers, _ = answer(gate.Doorkeeper(gate.ChineseIndex(_inner)), "/overview")
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == f"'self' blob: 'sha256-{digest}'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["connect-src"] == "'self' ws://127.0.0.1:8501"
    assert "x-railshift-scripts" not in headers


def test_what_is_shown_is_kept_by_no_cache_and_told_to_no_other_page() -> None:
    _, headers, _ = answer(gate.Doorkeeper(_inner), "/media/x.csv")
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert "immutable" in answer(gate.Doorkeeper(_inner), "/static/js/x.js")[1]["cache-control"]


@pytest.mark.parametrize("scheme, url", [("https", ""), ("http", "https://127.0.0.1")])
def test_over_https_every_cookie_is_secure_and_the_browser_stays_there(
    monkeypatch: pytest.MonkeyPatch, scheme: str, url: str
) -> None:
    monkeypatch.setenv(cookies.URL_VARIABLE, url)
    _, headers, _ = answer(gate.Doorkeeper(_inner), "/overview", scheme=scheme)
    assert headers["set-cookie"] == "_streamlit_xsrf=x; Path=/; Secure"
    assert headers["strict-transport-security"].startswith("max-age=")
    # A cookie without the prefix may come from anywhere.
    plain = signed_in()
    assert answer(gate.SignedInOnly(_inner), "/overview", scheme=scheme, cookie=plain)[0] == 303
    assert answer(gate.SignedInOnly(_inner), "/overview", scheme=scheme, cookie=f"__Host-{plain}")[0] == 200


def test_an_unreachable_ledger_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = signed_in()

    def fails() -> None:
        raise LedgerUnavailable("账本数据库无法打开：host=secret")

    monkeypatch.setattr(desk, "workplace", fails)
    status, _, body = answer(gate.SignedInOnly(_inner), "/overview", cookie=cookie)
    assert status == 503
    assert "暂时无法打开" in body.decode()
    assert "secret" not in body.decode()


# ------------------------------------------------------------------------------------------------ the provider


def test_a_provider_needs_all_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert oidc.secrets() == {}
    monkeypatch.setenv(oidc.ISSUER, "https://id.example/")
    with pytest.raises(oidc.NotConfigured, match=cookies.URL_VARIABLE):
        oidc.secrets()
    for name, value in (
        (oidc.CLIENT, "c"), (oidc.SECRET, "s"), (cookies.URL_VARIABLE, "https://rail.example/"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    auth = oidc.secrets()["auth"]
    assert auth["redirect_uri"] == "https://rail.example/oauth2callback"
    assert auth["server_metadata_url"] == "https://id.example/.well-known/openid-configuration"
    assert auth["cookie_secret"] not in ("", "s")


@pytest.mark.parametrize(
    "claims, identity",
    [
        (
            {"iss": "i", "sub": "s", "email": "a@b", "email_verified": True},
            accounts.Identity("i", "s", "a@b"),
        ),
        ({"iss": "i", "sub": "s", "email": "a@b", "email_verified": "true"}, accounts.Identity("i", "s")),
        ({"iss": "i", "sub": "s", "email": "a@b"}, accounts.Identity("i", "s")),
        ({"sub": "s"}, None),
        ({"iss": "i"}, None),
    ],
)
def test_only_a_verified_mail_counts(claims: dict[str, Any], identity: accounts.Identity | None) -> None:
    assert oidc.identity_of([signed(claims)]) == identity


def test_a_cookie_that_the_server_has_not_signed_is_nobodys() -> None:
    good = signed({"iss": "i", "sub": "s"})
    name, _, value = good.partition("=")
    assert oidc.identity_of([good]) is not None
    assert oidc.identity_of([f"{name}=x{value}"]) is None
    assert oidc.identity_of([]) is None


def signed(claims: dict[str, Any]) -> str:
    """A Set-Cookie header as Streamlit answers with it."""
    value = create_signed_value(
        get_cookie_secret(), USER_COOKIE_NAME, json.dumps({**claims, "is_logged_in": True})
    )
    return f"{USER_COOKIE_NAME}={value.decode()}; HttpOnly; Path=/"
