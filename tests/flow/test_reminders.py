"""The three clocks, the reminder as text, and mail to a server of these tests.

March 12, 2025: January was due on 8 February, a Saturday, so on Monday the 10th; February on 8 March, so on the 10th.
"""

from __future__ import annotations

import shutil
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from etl import clerk, mail, pipeline, reminders
from etl.ledger import jobs
from etl.ledger.jobs import Outcome
from etl.ledger.schema import open_ledger
from etl.locks import alone
from etl.mail import MailUnavailable, Server
from etl.pipeline import Workplace
from etl.reference import load_declared
from etl.reminders import Clocks, RemindersRunning
from etl.roles import CITY, Actor, NotAllowed, Role
from etl.warehouse.scope import EVERYTHING, Scope

from . import story
from .command import Desk
from .story import COAL, NAMES, PLAIN, RECEIVED, A, B, C, P
from .test_submit import FEBRUARY, JANUARY, number, write

JAN, FEB = date(2025, 1, 1), date(2025, 2, 1)
ADDRESSES = {A: "a@example.invalid", C: "c@example.invalid", P: "p@example.invalid"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A's January is accepted, its February waits since the 12th; C's February was sent back; B and P sent nothing."""
    base = tmp_path_factory.mktemp("reminders")
    desk = Desk(base / "home", story.declared_data(base / "data"))
    story.write_files(base / "files")
    story.import_tables(desk, base / "files")
    rows = [*JANUARY, story.zero(C, "2025-01")]
    assert desk.run("load", write(base / "january.csv", rows), "--received", RECEIVED).code == 0
    number(desk.run("submit", write(base / "a.csv", FEBRUARY), "--json"))
    back = number(
        Desk(desk.home, desk.data, "2025-03-07").run(
            "submit", write(base / "c.csv", [story.zero(C, "2025-02")]), "--json"
        )
    )
    assert (
        Desk(desk.home, desk.data, "2025-03-09").run("review", "return", back, "--reason", "请核对").code == 0
    )
    contacts = "".join(f"{unit},演示,{address},是\n" for unit, address in ADDRESSES.items())
    (base / "contacts.csv").write_text(
        f"单位,联系人,邮箱,启用\n{contacts}{P},旧,old@example.invalid,否\n", encoding="utf-8"
    )
    assert desk.run("contacts", "import", base / "contacts.csv").code == 0
    return desk


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    home = tmp_path / "home"
    shutil.copytree(made.home, home)
    return Desk(home, made.data)


@pytest.fixture
def work(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("RAILSHIFT_TODAY", desk.today)
    return Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))


def drawn(clocks: Clocks) -> dict[str, list[tuple[str, date, int]]]:
    return {
        kind: [(one.unit_code, one.month, one.days) for one in getattr(clocks, kind)]
        for kind in ("unsent", "returned", "waiting")
    }


# ------------------------------------------------------------------------------------------------ clocks


def test_the_three_clocks(work: Workplace):
    """The longest first; a due day on a Saturday is the Monday after it."""
    found = reminders.clocks(work)
    assert drawn(found) == {
        "unsent": [(P, JAN, 30), (B, JAN, 30), (P, FEB, 2), (B, FEB, 2)],
        "returned": [(C, FEB, 3)],
        "waiting": [(A, FEB, 0)],
    }
    assert (found.badge, len(found.late)) == (6, 4)
    assert found.unsent[0].since == date(2025, 2, 10)


def test_before_the_due_day_days_are_left(work: Workplace, monkeypatch):
    monkeypatch.setenv("RAILSHIFT_TODAY", "2025-03-08")
    found = reminders.clocks(work)
    assert [(one.month, one.days) for one in found.unsent if one.unit_code == B] == [(JAN, 26), (FEB, -2)]
    assert {one.month for one in found.late} == {JAN}


@pytest.mark.parametrize(("today", "late"), [("2025-03-10", 2), ("2025-03-11", 5)])
def test_the_badge_counts_from_the_day_after_the_due_day(work: Workplace, monkeypatch, today: str, late: int):
    """B and P have not sent January, A, B and P not yet February; C's return counts from its own day on."""
    monkeypatch.setenv("RAILSHIFT_TODAY", today)
    found = reminders.clocks(work)
    assert [one.days for one in found.unsent if one.month == FEB] == [int(today[-2:]) - 10] * 3
    assert (len(found.late), len(found.returned), len(found.waiting)) == (late, 1, 0)
    assert found.badge == late + 1


def test_what_was_sent_back_today_is_in_the_badge(desk: Desk, work: Workplace):
    waiting = reminders.clocks(work).waiting[0].submission_id
    assert desk.run("review", "return", waiting, "--reason", "请核对").code == 0
    found = reminders.clocks(work)
    assert [(one.unit_code, one.days) for one in found.returned] == [(C, 3), (A, 0)]
    assert (found.badge, found.waiting) == (6, ())


def test_an_entered_holiday_moves_the_due_day(work: Workplace, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(work.declared.folder, data)
    plan = data / "plan.toml"
    text = plan.read_text(encoding="utf-8").replace("holidays = []", "holidays = [2025-03-10, 2025-03-11]")
    plan.write_text(text, encoding="utf-8")
    moved = Workplace(work.home, work.ledger, load_declared(data))
    assert [one.days for one in reminders.clocks(moved).unsent if one.month == FEB] == [0, 0]
    assert reminders.reminder(moved).due_on == date(2025, 3, 12)


def test_contacts_are_whole_only_for_those_who_review(work: Workplace):
    told = {unit: (f"演示 {address}",) for unit, address in ADDRESSES.items()}
    assert reminders.contacts(work, EVERYTHING) == told
    county = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL}))
    assert reminders.contacts(work, county) == {unit: told[unit] for unit in (A, C)}
    admin = reminders.contacts(work, Scope(Role.ADMIN, "管理员"))
    assert admin is not None
    assert set(admin) == {A, C, P}
    assert "example" not in str(admin)
    assert reminders.contacts(work, Scope(Role.LEADER, "市政府")) is None


def test_of_a_county_and_of_a_unit(work: Workplace):
    assert drawn(reminders.clocks(work, frozenset({COAL}))) == {
        "unsent": [], "returned": [(C, FEB, 3)], "waiting": [(A, FEB, 0)],
    }  # fmt: skip
    assert drawn(reminders.clocks(work, frozenset({PLAIN})))["unsent"] == [(B, JAN, 30), (B, FEB, 2)]
    assert drawn(reminders.clocks(work, units=frozenset({A}))) == {
        "unsent": [], "returned": [], "waiting": [(A, FEB, 0)],
    }  # fmt: skip


def test_what_is_corrected_and_accepted_stops_its_clock(desk: Desk, work: Workplace, tmp_path: Path):
    number(desk.run("submit", write(tmp_path / "c.csv", [story.zero(C, "2025-02")]), "--json"))
    found = reminders.clocks(work)
    assert drawn(found)["returned"] == []
    assert {one.unit_code for one in found.waiting} == {A, C}
    for one in found.waiting:
        assert one.submission_id is not None
        assert desk.run("review", "approve", one.submission_id, "--no-wait").code == 0
    assert reminders.clocks(work).waiting == ()


def test_the_clocks_and_the_clerks_desk_say_the_same(work: Workplace):
    """What a clerk sees as 未报 is what the office sees as not sent."""
    desk = {(d.unit_code, d.month) for d in clerk.due(work, frozenset(NAMES)) if d.state == "未报"}
    assert {(one.unit_code, one.month) for one in reminders.clocks(work).unsent} == desk


# ---------------------------------------------------------------------------------------------- the text


def test_the_reminder_names_units_and_the_day_and_no_figure(desk: Desk, work: Workplace):
    found = reminders.reminder(work)
    assert found.unsent == ((P, NAMES[P]), (B, NAMES[B]))
    assert found.returned == ((C, NAMES[C]),)
    assert f"{NAMES[P]}、{NAMES[B]}：" in found.text
    assert "2025年2月公转铁月报尚未收到，截止日期为2025年3月10日" in found.text
    assert "吨" not in found.text
    said = desk.run("remind")
    assert (said.code, found.text in said.out) == (0, True)
    assert f"退回未改：{NAMES[C]}。" in said.out
    assert desk.run("remind", "--month", "2025-01", "--json").json["due_on"] == "2025-02-10"


# -------------------------------------------------------------------------------------------------- mail


@dataclass
class PostOffice:
    """What a mail server got. `refuses`: addresses that it does not take."""

    port: int = 0
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    post = PostOffice()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            to = ""
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"RCPT":
                    to = line.decode().split("<")[1].split(">")[0]
                    self.wfile.write(b"550 unknown\r\n" if to in post.refuses else b"250 ok\r\n")
                elif word == b"DATA":
                    self.wfile.write(b"354 go\r\n")
                    lines = []
                    while (line := self.rfile.readline()) != b".\r\n":
                        lines.append(line)
                    letter = message_from_bytes(b"".join(lines), policy=policy.default)
                    assert isinstance(letter, EmailMessage)
                    post.letters.append((to, letter))
                    self.wfile.write(b"250 ok\r\n")
                elif word == b"QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        post.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = {"HOST": "127.0.0.1", "PORT": str(post.port), "FROM": "sys@example.invalid", "TLS": "none"}
        for name, value in settings.items():
            monkeypatch.setenv(f"RAILSHIFT_SMTP_{name}", value)
        monkeypatch.setenv("RAILSHIFT_URL", "railshift.example.invalid/filing")
        yield post
        server.shutdown()


def test_a_mail_is_a_link_and_nothing_of_a_unit(desk: Desk, office: PostOffice):
    """B has no contact, P's second one is switched off; each letter has one address and the same words."""
    run = desk.run("remind", "--send", "--json")
    assert (run.code, run.json["sent"]) == (
        0,
        {"units": sorted([C, P]), "without_contact": [B], "refused": 0},
    )
    assert sorted(to for to, _ in office.letters) == ["c@example.invalid", "p@example.invalid"]
    bodies = {letter.get_content() for _, letter in office.letters}
    (body,) = bodies
    assert "railshift.example.invalid/filing" in body
    for to, letter in office.letters:
        assert letter["To"] == to
        whole = f"{letter['Subject']}{body}".replace("railshift.example.invalid/filing", "")
        assert not any(character.isdigit() for character in whole)
        assert not any(name in whole for name in (*NAMES.values(), *NAMES))
    (job,) = pipeline.jobs_run(_work(desk), kind=jobs.REMINDER)
    assert (job.outcome, job.message) == (Outcome.PARTLY, "已提醒2家，1家没有联系人。")
    assert "@" not in f"{job.message}{job.detail}"


def _work(desk: Desk) -> Workplace:
    return Workplace(desk.home, open_ledger(desk.home), load_declared(desk.data))


def test_once_a_day(desk: Desk, office: PostOffice):
    assert desk.run("remind", "--send").code == 0
    assert desk.run("remind", "--send", "--json").json["sent"]["units"] == []
    assert len(office.letters) == 2
    assert Desk(desk.home, desk.data, "2025-03-13").run("remind", "--send").code == 0
    assert len(office.letters) == 4


def test_an_address_that_is_refused_is_counted_and_asked_again(desk: Desk, office: PostOffice):
    office.refuses = {ADDRESSES[P]}
    sent = desk.run("remind", "--send", "--json").json["sent"]
    assert (sent["units"], sent["refused"]) == ([C], 1)
    office.refuses = set()
    assert desk.run("remind", "--send", "--json").json["sent"]["units"] == [P]


@pytest.mark.parametrize("day, is_reminded", [("2025-03-06", False), ("2025-03-07", True)])
def test_a_unit_with_time_left_gets_no_mail(
    desk: Desk, office: PostOffice, tmp_path: Path, day: str, is_reminded: bool
):
    """B's January is there now; its February is due on the 10th: reminded from three days before."""
    rows = [story.row(B, "2025-01", "公路", "200", 运距公里="700")]
    assert desk.run("load", write(tmp_path / "b.csv", rows), "--received", RECEIVED).code == 0
    contact = tmp_path / "联系人.csv"
    contact.write_text(f"单位,联系人,邮箱\n{B},演示,b@example.invalid\n", encoding="utf-8")
    early = Desk(desk.home, desk.data, day)
    assert early.run("contacts", "import", contact, "--received", "2025-03-01").code == 0
    sent = early.run("remind", "--send", "--json").json["sent"]
    assert ((B in sent["units"]), "b@example.invalid" in {to for to, _ in office.letters}) == (
        is_reminded,
        is_reminded,
    )


def test_no_server_and_a_server_that_is_gone(desk: Desk, office: PostOffice, monkeypatch):
    monkeypatch.delenv("RAILSHIFT_SMTP_HOST")
    run = desk.run("remind", "--send")
    assert (run.code, "RAILSHIFT_SMTP_HOST" in run.err) == (1, True)
    assert desk.run("remind").code == 0
    monkeypatch.setenv("RAILSHIFT_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("RAILSHIFT_SMTP_PORT", "1")
    gone = desk.run("remind", "--send")
    assert (gone.code, "没有接受" in gone.err, "Traceback" in gone.err) == (1, True, False)
    (job,) = pipeline.jobs_run(_work(desk), kind=jobs.REMINDER)
    assert job.outcome is Outcome.FAILED


@pytest.mark.parametrize("name, value", [("TLS", "tls1"), ("PORT", "x"), ("PORT", "２５")])
def test_a_setting_that_is_wrong(office: PostOffice, monkeypatch, name: str, value: str):
    monkeypatch.setenv(f"RAILSHIFT_SMTP_{name}", value)
    with pytest.raises(MailUnavailable, match=f"RAILSHIFT_SMTP_{name}"):
        mail.server()


def test_a_server_without_encryption_is_not_spoken_to_unless_said(office: PostOffice):
    """STARTTLS is the default; the server of these tests has none."""
    with pytest.raises(MailUnavailable):
        mail.send(Server("127.0.0.1", office.port, "a@example.invalid", "x"), ["b@example.invalid"])
    assert office.letters == []


def test_the_password_is_in_no_log():
    assert "geheim" not in repr(Server("h", 25, "f", "l", "u", "geheim"))


def test_never_two_at_a_time(work: Workplace, office: PostOffice):
    with alone(work.home / reminders.LOCK, RuntimeError()), pytest.raises(RemindersRunning):
        reminders.send(work, CITY)
    assert office.letters == []


def test_only_the_bureau_sends_them(work: Workplace):
    for role in set(Role) - {Role.ANALYST, Role.ADMIN}:
        with pytest.raises(NotAllowed, match="市交通运输局"):
            reminders.send(work, Actor("某人", role))
    with pytest.raises(MailUnavailable):
        reminders.send(work, Actor("管理员", Role.ADMIN))
