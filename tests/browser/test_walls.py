"""Every address as everyone, in a browser: nothing of another unit reaches it, drawn or not.

What counts is what the server sends: every message of its socket, every file, every page. The readers' own walls
are tested without a browser in spec/test_walls.py and, for documents, in flow/test_walls.py.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, WebSocket

from dashboard.gate import PAGES
from etl import mirror, registers
from etl.ledger.schema import open_ledger
from etl.ledger.tables import TABLES
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.warehouse import evidence, rows, snapshot
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING, Role, Scope
from etl.warehouse.snapshot import Snapshot
from tests.browser.conftest import DATA, Site, Visitor

YEAR = Filters(2025, 12)
MOST_FILES = 6
WHO = [Role.ENTERPRISE, Role.COUNTY, Role.DEPARTMENT, Role.RAILWAY]


@dataclass
class Wire:
    """All that the server sent to one browser."""

    told: bytearray

    def listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self.hear)

    def hear(self, payload: bytes | str) -> None:
        self.told += payload.encode() if isinstance(payload, str) else payload


@dataclass(frozen=True)
class Forbidden:
    """Names, codes and yearly tonnes of the units that a reader may not see."""

    words: frozenset[str]
    numbers: frozenset[str]

    def found_in(self, told: bytes) -> list[str]:
        text = told.decode("utf-8", errors="ignore")
        numbers = [
            number for number in self.numbers if re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", text)
        ]
        return sorted(word for word in self.words if word in text) + sorted(numbers)


@pytest.fixture(scope="module")
def current(site: Site) -> Snapshot:
    return snapshot.current(site.home)


def scope_of(current: Snapshot, role: Role) -> Scope:
    """Whom the first button of a role signs in as."""
    return next(scope for scope in current.sign_in_choices() if scope.role is role)


def forbidden(site: Site, current: Snapshot, scope: Scope) -> Forbidden:
    """What is another's, less what stands in the reader's own returns and in the tables that it reads in the ledger."""
    work = Workplace(site.home, open_ledger(site.home), load_declared(DATA, DATA / "sample"))
    own = set(current.units(scope))
    readable = [str(registers.rows_of(work, name, scope)) for name in TABLES]
    readable.append(str(mirror.differences(work, scope)))
    for unit in own:
        frame = rows.behind(current, EVERYTHING, "C1", Filters(2025, 12), unit=unit, everything=True)
        readable.append(" ".join(map(str, frame["对方单位"])))
        frame = rows.behind(current, EVERYTHING, "C1", Filters(2026, 9), unit=unit, everything=True)
        readable.append(" ".join(map(str, frame["对方单位"])))
    known = " ".join(readable)
    others = {code: name for code, name in current.units(EVERYTHING).items() if code not in own}
    # Whoever reads a code in a table reads the name beside it.
    words = {
        word
        for code, name in others.items()
        if code not in known and name not in known
        for word in (code, name)
    }
    numbers = {
        f"{Decimal(amount.numerator) / 10000:.2f}"
        for one in evidence.shares(current, EVERYTHING, ("K3",), YEAR, "enterprise")
        if one.subject.object in others
        for amount in (one.numerator, one.denominator)
        if amount > 1_000_000
    }
    assert words
    assert numbers
    return Forbidden(frozenset(words), frozenset(numbers))


def addresses(current: Snapshot, scope: Scope, other: str) -> list[str]:
    """Every page, and pages with another's unit, county, corridor and month in the address."""
    county = next(name for code, name in current.counties.items() if code not in (scope.counties or ()))
    asked = "&".join(
        f"{name}={quote(word)}"
        for name, word in (
            ("county", county), ("corridor", current.corridors[0]), ("commodity", "煤炭"), ("direction", "发运"),
            ("year", "2025"), ("through", "3月"), ("month", "2025年3月"), ("unit", other),
        )
    )  # fmt: skip
    return [*(f"/{view}" for view in PAGES), *(f"/{view}?{asked}" for view in PAGES)]


def take_files(visitor: Visitor, wire: Wire) -> None:
    """Every file that the page offers, as far as it is in reach."""
    page = visitor.page
    for fold in page.locator("[data-testid=stExpander] summary").all():
        fold.click()
        # Some are filled only then, by a rerun that the next click must not end.
        visitor.settle()
    buttons = page.locator("[data-testid=stDownloadButton] button").all()
    for button in buttons[:MOST_FILES]:
        with page.expect_download(timeout=60_000) as waiting:
            button.click()
        wire.told += waiting.value.path().read_bytes()
        wire.told += waiting.value.suggested_filename.encode()
        assert re.search("内部|模板|月报|回执|盖章", waiting.value.suggested_filename)


@pytest.mark.parametrize("role", WHO)
def test_nothing_of_another_unit_is_sent(visitor: Visitor, current: Snapshot, role: Role) -> None:
    scope = scope_of(current, role)
    others = forbidden(visitor.site, current, scope)
    wire = Wire(bytearray())
    visitor.page.on("websocket", wire.listen)
    visitor.sign_in(role.value)
    visitor.settle()
    other = min(word for word in others.words if word in current.units(EVERYTHING))
    for address in addresses(current, scope, other):
        wire.told.clear()
        visitor.open(address)
        page = visitor.page
        assert "内部资料 注意保管" in page.locator(".rs-head").inner_text()
        assert page.locator("[data-testid=stException]").count() == 0
        if "?" not in address and page.locator(".rs-empty").count() < 2:
            take_files(visitor, wire)
        found = others.found_in(bytes(wire.told) + page.content().encode())
        # The address that was asked for comes back as it was asked.
        assert not set(found) - ({other} if "?" in address else set()), address


def test_the_wire_is_heard(visitor: Visitor, current: Snapshot) -> None:
    """What the analyst gets holds what the others must not."""
    wire = Wire(bytearray())
    visitor.page.on("websocket", wire.listen)
    visitor.sign_in("分析")
    visitor.open("/enterprises?year=2025&through=12%E6%9C%88")
    others = forbidden(visitor.site, current, scope_of(current, Role.DEPARTMENT))
    found = others.found_in(bytes(wire.told))
    assert len(set(found) & others.words) > 10
    assert len(set(found) & others.numbers) > 5


def test_one_after_the_other_in_one_browser_gets_nothing_of_the_first(
    visitor: Visitor, current: Snapshot
) -> None:
    """The same page, the same filters, the same profile: what was read for the analyst is not the department's."""
    visitor.sign_in("分析")
    visitor.open("/overview")
    assert visitor.page.locator(".rs-units a").count()
    visitor.page.get_by_role("button", name="退出").click()
    visitor.page.wait_for_url(re.compile("/signin"))
    wire = Wire(bytearray())
    visitor.page.on("websocket", wire.listen)
    visitor.sign_in("部门")
    visitor.open("/overview")
    others = forbidden(visitor.site, current, scope_of(current, Role.DEPARTMENT))
    assert "因涉及单个企业，不予显示" in visitor.page.locator("body").inner_text()
    assert not others.found_in(bytes(wire.told) + visitor.page.content().encode())


def answer(site: Site, path: str, method: str = "GET", data: bytes | None = None) -> tuple[int, bytes]:
    """What somebody without a session gets, redirects followed."""
    request = urllib.request.Request(f"{site.address}{path}", method=method, data=data)
    try:
        with urllib.request.urlopen(request) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def test_a_stranger_gets_the_sign_in_and_nothing_else(
    site: Site, current: Snapshot, visitor: Visitor, browser: Browser
) -> None:
    others = forbidden(site, current, scope_of(current, Role.DEPARTMENT))
    visitor.sign_in("分析")
    visitor.open("/overview")
    files: list[str] = []
    visitor.page.on("request", lambda r: files.append(r.url) if "/media/" in r.url else None)
    with visitor.page.expect_download():
        visitor.page.locator("[data-testid=stDownloadButton] button:visible").first.click()
    assert files
    told = b""
    for path in (
        "/",
        *(f"/{view}?county=140925" for view in PAGES),
        "/healthz",
    ):
        status, body = answer(site, path)
        assert status == 200
        told += body
    # The chooser of the demonstration names the units that one may look as; no figure and no code.
    offered = {scope.label for scope in current.sign_in_choices()}
    assert not {word for word in others.found_in(told) if not any(word in label for label in offered)}
    # A file that was made for somebody else, by its full address; bringing one without a session.
    address = files[0].removeprefix(site.address)
    assert answer(site, address)[0] in (401, 403, 404)
    assert answer(site, "/_stcore/upload_file/a/b", "PUT", b"x")[0] in (401, 403, 404)
    assert answer(site, "/signout", "POST", b"csrf=x")[0] in (200, 303, 400, 403)
    # A page that is open without the cookie draws nothing.
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{site.address}/overview")
    assert "/signin" in page.url
    assert page.locator(".rs-head, .rs-cards, table").count() == 0
    context.close()


def test_another_of_the_same_kind_does_not_get_a_file_by_its_address(
    visitor: Visitor, browser: Browser, current: Snapshot, request: pytest.FixtureRequest
) -> None:
    """A file's address holds for the session that it was made in, as long as its page is open."""
    visitor.sign_in("分析")
    visitor.open("/enterprises")
    files: list[str] = []
    visitor.page.on("request", lambda r: files.append(r.url) if "/media/" in r.url else None)
    with visitor.page.expect_download():
        visitor.page.locator("[data-testid=stDownloadButton] button:visible").first.click()
    visitor.page.close()
    context = browser.new_context(locale="zh-CN")
    other = Visitor(visitor.site, context, context.new_page(), [])
    other.sign_in("企业")
    other.settle()
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in context.cookies())
    asked = urllib.request.Request(files[0], headers={"Cookie": cookies})
    try:
        with urllib.request.urlopen(asked) as got:
            found = got.read()
    except urllib.error.HTTPError as refused:
        with refused:
            found = b""
    context.close()
    assert not forbidden(visitor.site, current, scope_of(current, Role.ENTERPRISE)).found_in(found)


def contacts(page_text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+@example\.invalid", page_text)


@pytest.mark.parametrize(("role", "in_full"), [("分析", True), ("县区", True), ("管理", False)])
def test_contacts_are_told_in_full_to_reviewers_only(visitor: Visitor, role: str, in_full: bool) -> None:
    wire = Wire(bytearray())
    visitor.page.on("websocket", wire.listen)
    visitor.sign_in(role)
    visitor.open("/registry")
    visitor.page.locator(".st-key-maintain-contacts summary").click()
    visitor.page.locator(".st-key-maintain-contacts table").first.wait_for()
    visitor.settle()
    told = bytes(wire.told).decode("utf-8", errors="ignore")
    assert "***" in told or in_full
    assert bool(contacts(told)) is in_full
