"""The cookies of the sign-in: their names, how they are set, what is taken from them.

Over https they are Secure and carry the `__Host-` prefix, so that no other host can set one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

SESSION, FORM, FOLLOWING = "railshift_session", "railshift_form", "railshift_next"
URL_VARIABLE = "RAILSHIFT_URL"
FORM_SECONDS = 3600
_PREFIX = "__Host-"


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came by https: by what a proxy on this machine says, or the address it is given."""
    return connection.url.scheme in ("https", "wss") or own_address().scheme == "https"


def own_address() -> SplitResult:
    """Where users find the service, by RAILSHIFT_URL. Empty: every part where it is not set."""
    return urlsplit(os.environ.get(URL_VARIABLE, "").rstrip("/"))


def token_of(cookies: Mapping[str, str], secure: bool, name: str = SESSION) -> str:
    """A cookie's value; '' = none. Over https one without the prefix does not count: anybody might have set it."""
    return cookies.get(_named(name, secure), "")


def put(
    response: Response,
    name: str,
    value: str,
    secure: bool,
    *,
    seconds: int | None = None,
    same_site: Literal["lax", "strict"] = "lax",
) -> None:
    """Set a cookie that no script reads; without `seconds` it goes with the browser."""
    response.set_cookie(
        _named(name, secure),
        value,
        max_age=seconds,
        httponly=True,
        samesite=same_site,
        path="/",
        secure=secure,
    )


def drop(response: Response, name: str, secure: bool) -> None:
    response.delete_cookie(_named(name, secure), path="/", httponly=True, samesite="lax", secure=secure)


def _named(name: str, secure: bool) -> str:
    return _PREFIX + name if secure else name
