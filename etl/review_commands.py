"""`review`: returns looked through, passed, sent back, locked; what a pass would do to published figures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from etl import filing, listing, wording
from etl.console import JsonFlag, print_json, progress_bar, workplace
from etl.filing import Decided
from etl.ledger.submissions import State, TransitionRefused
from etl.pipeline import Workplace
from etl.roles import CITY, Actor, Role
from etl.warehouse.effect import Effect

review_app = typer.Typer(no_args_is_help=True, help="审核已上报的月报")
CountyOption = Annotated[str | None, typer.Option(help="以该县区审核人的身份（代码或名称）")]
Numbers = Annotated[list[int], typer.Argument(metavar="ID…", help="回执编号")]
DONE = {
    State.通过: "已通过",
    State.退回: "已退回",
    State.县级初审: "县级初审",
    State.市级审核: "已转市级审核",
}


@review_app.command("list")
def review_list(county: CountyOption = None, as_json: JsonFlag = False) -> None:
    """列出待审核的月报。"""
    work = workplace()
    names, waiting = filing.names(work), filing.waiting(work, _actor(work, county).counties)
    if as_json:
        print_json(
            {"submissions": [listing.waiting_json(one, names.get(one.unit_code, "")) for one in waiting]}
        )
        return
    for one in waiting:
        for line in listing.waiting_lines(one, names.get(one.unit_code, one.unit_code)):
            typer.echo(line)
    typer.echo(f"待审核{len(waiting)}份。")


@review_app.command("start")
def review_start(numbers: Numbers, county: CountyOption = None, as_json: JsonFlag = False) -> None:
    """开始审核：此后填报单位不能再改。"""
    work = workplace()
    _print_decided(work, filing.take_up(work, numbers, actor=_actor(work, county)), as_json)


@review_app.command("effect")
def review_effect(numbers: Numbers, as_json: JsonFlag = False) -> None:
    """通过之前，看月报对已公布数的影响。"""
    effect = filing.effect(workplace(), *numbers)
    if as_json:
        print_json(_effect_json(effect))
        return
    for sentence in effect.sentences():
        typer.echo(sentence)


@review_app.command("approve")
def review_approve(
    numbers: Numbers,
    reason: Annotated[str, typer.Option(help="审核意见")] = "",
    county: CountyOption = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="等待发布完成")] = True,
    as_json: JsonFlag = False,
) -> None:
    """通过月报并发布；县级初审通过的转市级审核。"""
    work = workplace()
    with progress_bar("发布"):
        done = filing.approve(work, numbers, reason=reason, actor=_actor(work, county), wait=wait)
    _print_decided(work, done, as_json)
    if done.unpublished:
        raise typer.Exit(1)


@review_app.command("return")
def review_return(
    numbers: Numbers,
    reason: Annotated[str, typer.Option(help="退回原因（必填）")],
    county: CountyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """退回月报，写明原因。"""
    work = workplace()
    _print_decided(work, filing.send_back(work, numbers, reason, actor=_actor(work, county)), as_json)


@review_app.command("lock")
def review_lock(
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="月份 YYYY-MM")],
    as_json: JsonFlag = False,
) -> None:
    """锁定一个月已通过的月报；此后只能更正。"""
    work = workplace()
    done, names = filing.lock(work, month.date()), filing.names(work)
    if as_json:
        print_json(
            {
                "month": f"{done.month:%Y-%m}",
                "locked": [{"id": number, "unit_code": unit} for number, unit in done.locked],
                "unlocked": [{"unit_code": unit, "state": state.value} for unit, state in done.unlocked],
            }
        )
        return
    for unit, state in done.unlocked:
        typer.echo(f"未锁定：{names.get(unit, unit)}，{state}。")
    typer.echo(f"{wording.month_text(done.month)}：已锁定{len(done.locked)}份。")


@review_app.command("history")
def review_history(
    number: Annotated[int, typer.Argument(metavar="ID", help="回执编号")], as_json: JsonFlag = False
) -> None:
    """列出一份月报的办理经过。"""
    steps = filing.history(workplace(), number)
    if not steps:
        raise TransitionRefused(f"没有编号为{number}的报表。请用 railshift review list 查看编号。")
    if as_json:
        told = [
            {
                "state": step.after.value,
                "actor": step.actor,
                "reason": step.reason,
                "effective_on": step.effective_on.isoformat(),
                "recorded_at": step.recorded_at.isoformat(timespec="seconds"),
            }
            for step in steps
        ]
        print_json({"id": number, "steps": told})
        return
    for step in steps:
        reason = f"（{step.reason}）" if step.reason else ""
        typer.echo(f"{step.recorded_at:%Y-%m-%d %H:%M} {step.actor}：{step.after}{reason}")


def _actor(work: Workplace, county: str | None) -> Actor:
    """Whoever sits at this machine: the city's reviewer, or that of the county that is named."""
    if county is None:
        return CITY
    names = {name: code for code, name in work.declared.county_names.items()}
    code = names.get(county, county)
    if code not in work.declared.county_names:
        raise typer.BadParameter(f"没有县区“{county}”。", param_hint="--county")
    return Actor(f"{work.declared.county_names[code]}审核人", Role.COUNTY, counties=frozenset({code}))


def _effect_json(effect: Effect) -> dict[str, object]:
    return {
        "submissions": list(effect.submissions),
        "sentences": effect.sentences(),
        "changes": [
            {
                "object_type": one.object_type,
                "object": one.object,
                "name": one.name,
                "id": one.indicator,
                "year": one.year,
                "through": one.through,
                "changed": one.is_changed,
                "before": listing.judgement_json(one.before) if one.before else None,
                "after": listing.judgement_json(one.after) if one.after else None,
            }
            for one in effect.changes
        ],
    }


def _print_decided(work: Workplace, done: Decided, as_json: bool) -> None:
    names = filing.names(work)
    if as_json:
        print_json(
            {
                "state": done.state.value,
                "submissions": [
                    {"id": number, "unit_code": unit, "month": f"{month:%Y-%m}"}
                    for number, unit, month in done.returns
                ],
                "snapshot": done.snapshot,
                "building": done.is_building,
                "unpublished": done.unpublished or None,
            }
        )
        return
    for number, unit, month in done.returns:
        typer.echo(f"{DONE[done.state]}：{number} {names.get(unit, unit)} {wording.month_text(month)}。")
    if done.snapshot:
        typer.echo(f"已发布：{done.snapshot}")
    if done.is_building:
        typer.echo("正在发布，进展见 railshift jobs。")
    if done.unpublished:
        typer.echo(f"尚未发布：{done.unpublished}", err=True)
