"""Mail by the bureau's own server, where one is configured: a link to sign in by, never a name or a figure.

RAILSHIFT_SMTP_HOST, _PORT (25), _USER, _PASSWORD, _FROM, _TLS (starttls, ssl or none; starttls by default), and
RAILSHIFT_URL, the address that the link leads to.
"""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

PREFIX = "RAILSHIFT_SMTP_"
LINK_VARIABLE = "RAILSHIFT_URL"
TIMEOUT_SECONDS = 20
STARTTLS, SSL, PLAIN = "starttls", "ssl", "none"
SUBJECT = "公转铁月报有待办事项"


class MailUnavailable(Exception):
    """No mail can be sent; the message (Chinese) says which setting is missing or what the server said."""


@dataclass(frozen=True)
class Server:
    """A mail server and the address that the link leads to. Empty: user where none signs in."""

    host: str
    port: int
    sender: str
    link: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = STARTTLS


def server() -> Server:
    """The server that the environment names. Errors: MailUnavailable where a setting is missing or wrong."""
    said = {
        name: os.environ.get(PREFIX + name, "").strip() for name in ("HOST", "PORT", "USER", "FROM", "TLS")
    }
    link = os.environ.get(LINK_VARIABLE, "").strip()
    missing = [PREFIX + name for name in ("HOST", "FROM") if not said[name]] + [LINK_VARIABLE] * (not link)
    if missing:
        raise MailUnavailable(f"未配置邮件：请设置环境变量 {'、'.join(missing)}。")
    tls = said["TLS"] or STARTTLS
    if tls not in (STARTTLS, SSL, PLAIN):
        raise MailUnavailable(f"{PREFIX}TLS 应为 {STARTTLS}、{SSL} 或 {PLAIN}。")
    if not (said["PORT"] or "25").isascii() or not (said["PORT"] or "25").isdigit():
        raise MailUnavailable(f"{PREFIX}PORT 应为端口号。")
    password = os.environ.get(f"{PREFIX}PASSWORD", "")
    return Server(said["HOST"], int(said["PORT"] or 25), said["FROM"], link, said["USER"], password, tls)


def send(server: Server, addresses: Sequence[str]) -> list[str]:
    """One mail to each address, none of which sees another's. Returns the addresses that were not taken.

    Errors: MailUnavailable where the server does not answer or refuses us; then none was sent after it.
    """
    refused: list[str] = []
    if not addresses:
        return refused
    try:
        with _connected(server) as connection:
            for address in addresses:
                try:
                    connection.send_message(_letter(server, address))
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError):
                    refused.append(address)
    except (OSError, smtplib.SMTPException) as error:
        raise MailUnavailable(
            f"邮件服务器 {server.host} 没有接受：{error}。请核对邮件设置后重试。"
        ) from error
    return refused


def _connected(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.tls == SSL:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        if server.tls == STARTTLS:
            connection.starttls(context=context)
        if server.user:
            connection.login(server.user, server.password)
    except (OSError, smtplib.SMTPException):
        connection.close()
        raise
    return connection


def _letter(server: Server, address: str) -> EmailMessage:
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = SUBJECT, server.sender, address
    letter["Date"], letter["Message-ID"] = formatdate(localtime=True), make_msgid(domain="railshift.invalid")
    letter.set_content(
        f"您好：\n\n公转铁月报有未报送或已退回的事项，请登录系统查看并办理：\n{server.link}\n\n"
        "本邮件由系统发送，请勿回复。已办理的请忽略。\n"
    )
    return letter
