"""统一身份认证: the sign-in by an OpenID provider, with the routes that `st.login` uses.

Streamlit talks to the provider (state, nonce, PKCE, the token's signature). Its own cookie, good for thirty days
without the ledger being asked, never reaches the browser: whoever the provider vouches for gets a session of
ours, if an account is bound to that identity, and nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from http.cookies import SimpleCookie
from typing import Any

from starlette.requests import Request
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from dashboard import cookies
from etl.accounts import Identity

ISSUER, CLIENT, SECRET = "RAILSHIFT_OIDC_ISSUER", "RAILSHIFT_OIDC_CLIENT_ID", "RAILSHIFT_OIDC_CLIENT_SECRET"
CALLBACK, LOGIN = "/oauth2callback", "/auth/login"


class NotConfigured(Exception):
    """The provider's settings are not whole; the message (Chinese) says what is missing."""


def is_configured() -> bool:
    return bool(os.environ.get(ISSUER))


def secrets() -> dict[str, Any]:
    """The settings as Streamlit takes them. Empty: no provider is named. Errors: NotConfigured."""
    if not is_configured():
        return {}
    missing = [name for name in (CLIENT, SECRET, cookies.URL_VARIABLE) if not os.environ.get(name)]
    if missing:
        raise NotConfigured(f"已设置{ISSUER}，还须设置{'、'.join(missing)}。")
    issuer, secret = os.environ[ISSUER].rstrip("/"), os.environ[SECRET]
    return {
        "auth": {
            "redirect_uri": f"{cookies.own_address().geturl()}{CALLBACK}",
            # Several processes read each other's; it is as secret as what it is made of.
            "cookie_secret": hmac.new(secret.encode(), b"railshift cookies", hashlib.sha256).hexdigest(),
            "client_id": os.environ[CLIENT],
            "client_secret": secret,
            "server_metadata_url": f"{issuer}/.well-known/openid-configuration",
            # Asked anew each time: at a shared machine nobody comes in as the one before.
            "client_kwargs": {"scope": "openid email profile", "prompt": "login"},
        }
    }


def login_address() -> str:
    """Where a browser is sent to sign in, as `st.login` sends it."""
    from streamlit.user_info import generate_login_redirect_url

    return generate_login_redirect_url("default")


def is_streamlits(set_cookie: str) -> bool:
    """Whether a Set-Cookie header is one of Streamlit's about the user."""
    return set_cookie.startswith(USER_COOKIE_NAME)


def identity_of(set_cookies: Iterable[str]) -> Identity | None:
    """Whom Streamlit has found at the provider, from the cookies that it would set. Empty: None = nobody."""
    jar: SimpleCookie = SimpleCookie()
    for header in set_cookies:
        jar.load(header)

    def signed(name: str) -> bytes | None:
        if name not in jar or not jar[name].value:
            return None
        return decode_signed_value(get_cookie_secret(), name, jar[name].value.encode("latin-1"))

    kept = get_cookie_with_chunks(signed, USER_COOKIE_NAME)
    if not kept:
        return None
    claims = json.loads(kept)
    if not claims.get("is_logged_in") or not claims.get("sub") or not claims.get("iss"):
        return None
    email = claims.get("email", "") if claims.get("email_verified") is True else ""
    return Identity(str(claims["iss"]), str(claims["sub"]), str(email))


def following(request: Request) -> str:
    """Where the browser wanted to go before it was sent to the provider, as it was kept in a cookie."""
    return cookies.token_of(request.cookies, cookies.is_secure(request), cookies.FOLLOWING)
