"""What a reviewer does with returns: take up, pass, send back, lock. Nothing here draws.

Each act either is done whole or leaves everything as it was with its reason said. What was decided is what was
on the screen: a return that its sender has replaced since, or that another reviewer has decided, is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from dashboard.desk import Trouble
from etl import filing
from etl.ledger.review import Waiting
from etl.ledger.submissions import State, TransitionRefused
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed
from etl.warehouse.effect import Effect
from etl.warehouse.scope import Role, Scope
from etl.wording import month_text

TAKE_UP, APPROVE, SEND_BACK, LOCK = "take up", "approve", "send back", "lock"
# An effect is two builds in memory: those of the last few selections are kept.
_MOST_EFFECTS = 8
_NAMED = 3

Mark = tuple[object, ...]


@dataclass(frozen=True)
class Asked:
    """An act that a button asked for, with the returns as they stood on the screen that was drawn as `serial`."""

    act: str
    serial: int
    shown: tuple[Waiting, ...] = ()
    words: str = ""
    month: date | None = None


@dataclass
class Decisions:
    """A reviewer's work, as the session holds it.

    `opened`: the return that is read, None = the list. `said` and `trouble`: what became of the last act.
    `asked`: as `Desk.asked`. `serial` counts the acts: a second click on the same button still has the number
    of the first and does nothing. `picked`: numbers chosen in the list. `reasons`: number → what was typed so
    far. `effects`: contents → what accepting them would do. `locking`: a month to be confirmed.
    `asks_effect`: the effect of what is picked is to be worked out.
    """

    scope: Scope
    opened: int | None = None
    said: str = ""
    trouble: Trouble | None = None
    asked: Asked | None = None
    serial: int = 0
    picked: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)
    effects: dict[Mark, Effect] = field(default_factory=dict)
    locking: date | None = None
    asks_effect: bool = False

    @property
    def actor(self) -> Actor:
        return Actor.of(self.scope)

    def ask(
        self, act: str, serial: int, shown: Sequence[Waiting] = (), words: str = "", month: date | None = None
    ) -> None:
        """What a button does; `run` does the act when the page is drawn."""
        self.asked = Asked(act, serial, tuple(shown), words, month)

    def open(self, number: int | None) -> None:
        """Read one return, or go back to the list."""
        self.opened, self.said, self.trouble = number, "", None


def waiting(work: Workplace, scope: Scope) -> list[Waiting]:
    """What waits for review and the scope may see, oldest first."""
    return filing.waiting(work, scope.counties)


def is_mine(one: Waiting, scope: Scope, county_review: bool) -> bool:
    """The next decision on the return is this role's."""
    if scope.role is Role.COUNTY and not county_review:
        return False
    return one.waits_for is scope.role


def mark(one: Waiting) -> Mark:
    """What a decision rests on: another mark is another content."""
    return (
        one.submission_id, one.version, one.received_on, one.file_sha256, one.rows, one.tonnes, one.is_zero,
        one.reason, tuple(sorted(one.explanations.items())),
    )  # fmt: skip


def amendments(shown: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """Those that would replace an accepted version."""
    return tuple(one for one in shown if one.version > 1)


def known_effect(desk: Decisions, shown: Sequence[Waiting], version: str) -> Effect | None:
    """The effect of just these returns as it was worked out; None = not yet, or of other contents."""
    return desk.effects.get(_effect_key(shown, version))


def work_out_effect(
    work: Workplace, desk: Decisions, shown: Sequence[Waiting], version: str
) -> Effect | None:
    """What accepting these returns would do to published figures. Empty: None, with `trouble` said."""
    try:
        found = filing.effect(work, *(one.submission_id for one in shown))
    except TransitionRefused as refusal:
        desk.trouble = Trouble(_gone(work, desk, shown) or str(refusal), "请重新查看后再办理。")
        return None
    while len(desk.effects) >= _MOST_EFFECTS:
        del desk.effects[next(iter(desk.effects))]
    desk.effects[_effect_key(shown, version)] = found
    return found


def _effect_key(shown: Sequence[Waiting], version: str) -> Mark:
    return version, frozenset(map(mark, shown))


class _Stale(TransitionRefused):
    """The return is not any more what was on the screen."""


def run(work: Workplace, desk: Decisions, version: str) -> None:
    """Do what was asked for, once; `version` is the published one that the reviewer has before him."""
    asked, desk.asked = desk.asked, None
    if asked is None or asked.serial != desk.serial:
        return
    desk.serial += 1
    desk.said, desk.trouble = "", None
    try:
        if asked.act == LOCK:
            _lock(work, desk, asked.month)
        else:
            _decide(work, desk, asked, version)
    except _Stale as refusal:
        desk.trouble = Trouble(str(refusal), "请重新查看后再办理。")
    except (TransitionRefused, NotAllowed) as refusal:
        desk.trouble = Trouble(_gone(work, desk, asked.shown) or str(refusal), "请重新查看后再办理。")


def _decide(work: Workplace, desk: Decisions, asked: Asked, version: str) -> None:
    numbers = [one.submission_id for one in asked.shown]
    if asked.act == SEND_BACK and not asked.words.strip():
        raise _Stale("退回须写明原因：哪一行有什么问题、怎样改。")
    begun = _unchanged(work, desk, asked.shown)
    if asked.act == TAKE_UP:
        done = filing.take_up(work, numbers, actor=desk.actor)
        desk.said = f"已开始{done.state}：{_listed(work, done.returns)}。填报单位不能再改。"
        return
    # First held, then compared once more: from then on its sender cannot replace what was read.
    if open_ones := [number for number in numbers if begun[number].state is State.已上报]:
        filing.take_up(work, open_ones, actor=desk.actor)
        _unchanged(work, desk, asked.shown)
    if asked.act == SEND_BACK:
        done = filing.send_back(work, numbers, asked.words.strip(), actor=desk.actor)
        desk.said = f"已退回：{_listed(work, done.returns)}。原因已告知填报单位。"
    else:
        effect = known_effect(desk, amendments(asked.shown), version)
        done = filing.approve(
            work, numbers, reason=asked.words.strip(), actor=desk.actor, shown=effect, wait=False
        )
        is_final = done.state is State.通过
        after = "通过已登记，数据版本生成后各页面更新。" if is_final else "由市级审核人接着审核。"
        desk.said = f"{'已通过' if is_final else '初审已通过'}：{_listed(work, done.returns)}。{after}"
    for number in numbers:
        desk.reasons.pop(number, None)
    desk.opened = None
    desk.picked.difference_update(numbers)


def _unchanged(work: Workplace, desk: Decisions, shown: Sequence[Waiting]) -> dict[int, Waiting]:
    """These returns as they stand now. Errors: TransitionRefused where one is decided or replaced."""
    now = {one.submission_id: one for one in waiting(work, desk.scope)}
    if gone := _gone(work, desk, shown):
        raise _Stale(gone)
    if replaced := [one.submission_id for one in shown if mark(now[one.submission_id]) != mark(one)]:
        listed = "、".join(map(str, replaced))
        raise _Stale(f"编号{listed}的报表刚刚由填报单位重新上报，内容已变，这次没有办理。")
    return now


def _gone(work: Workplace, desk: Decisions, shown: Sequence[Waiting]) -> str:
    """Who has decided in the meantime what this reviewer was about to decide; '' = nobody."""
    now = {one.submission_id: one for one in waiting(work, desk.scope)}
    said = []
    for one in shown:
        still = now.get(one.submission_id)
        if still is None or still.waits_for is not one.waits_for:
            last = filing.history(work, one.submission_id)[-1]
            said.append(
                f"编号{one.submission_id}的报表已由{last.actor}改为“{last.after}”（{last.recorded_at:%H:%M}）"
            )
    more = f"等{len(said)}件" if len(said) > _NAMED else ""
    return f"{'；'.join(said[:_NAMED])}{more}，这次没有办理。" if said else ""


def _lock(work: Workplace, desk: Decisions, month: date | None) -> None:
    assert month is not None
    desk.locking = None
    done = filing.lock(work, month, actor=desk.actor)
    left = f"，未锁定{len(done.unlocked)}件（尚未通过）" if done.unlocked else ""
    desk.said = f"{month_text(month)}：已锁定{len(done.locked)}件{left}。此后改动须按更正办理。"


def _listed(work: Workplace, returns: Sequence[tuple[int, str, date]]) -> str:
    names = filing.names(work)
    said = "、".join(
        f"{names.get(unit, unit)}{month_text(month)}月报（编号{number}）"
        for number, unit, month in returns[:_NAMED]
    )
    return f"{said}等{len(returns)}件" if len(returns) > _NAMED else said


def waiting_sentence(found: Sequence[Waiting], today: date) -> str:
    """How many wait for whom, and how long the oldest has."""
    if not found:
        return "目前没有待审核的月报。"
    by_county = sum(one.waits_for is Role.COUNTY for one in found)
    counts = ((len(found) - by_county, "待市级审核"), (by_county, "待县级初审"))
    said = "、".join(f"{what}{count}件" for count, what in counts if count)
    oldest = "都是今天收到的" if found[0].received_on >= today else f"最早的{waited(found[0], today)}"
    return f"{said}，{oldest}。"


def waited(one: Waiting, today: date) -> str:
    """今天收到, or 已等待6天."""
    days = (today - one.received_on).days
    return f"已等待{days}天" if days > 0 else "今天收到"


def awaits(one: Waiting, county_review: bool) -> str:
    """Whose turn it is: 待县级初审, 待市级审核; 县级初审中, 市级审核中 where somebody has begun."""
    if one.waits_for is Role.COUNTY:
        return "县级初审中" if one.state is State.县级初审 else "待县级初审"
    # What a county has passed stands in 市级审核 although nobody there has begun.
    return "市级审核中" if one.state is State.市级审核 and not county_review else "待市级审核"
