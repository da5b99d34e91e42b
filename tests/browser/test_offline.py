"""The server's process asks nobody: no name look-up, no connection beyond the machine."""

from __future__ import annotations

import ipaddress
import re

from tests.browser.conftest import Visitor
from tests.browser.test_pages import VIEWS, address

# What strace writes of the other end of a connection or a datagram.
PORT = re.compile(r"htons\((\d+)\)")
HOST = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


def is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def test_neither_the_server_nor_the_page_asks_anyone(visitor: Visitor) -> None:
    visitor.sign_in("分析")
    for view in VIEWS:
        visitor.open(address(visitor, view))
    assert visitor.outside == []
    asked = visitor.site.audit.read_text(encoding="utf-8").splitlines()
    assert asked, "the audit hook saw not even the server's own address"
    assert [host for host in asked if not is_here(host)] == []
    if visitor.site.trace is not None:
        lines = visitor.site.trace.read_text(encoding="utf-8", errors="replace").splitlines()
        assert lines
        calls = [line for line in lines if "sa_family=AF_INET" in line]
        assert [line for line in calls if "53" in PORT.findall(line)] == []
        assert [line for line in calls if not all(is_here(a or b) for a, b in HOST.findall(line))] == []
