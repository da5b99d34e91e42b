"""The command `railshift`. Messages are Chinese; exit 0 done, 1 refused input, 2 wrong call.

With --json, stdout holds one JSON object with decimals as strings; progress and log go to stderr.
"""

from __future__ import annotations

import csv
import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from etl import (
    accounts,
    builds,
    filing,
    filing_commands,
    inbox,
    listing,
    maintenance_commands,
    mirror,
    pipeline,
    public_commands,
    registers,
    reminders,
    wording,
)
from etl import demo as demonstration
from etl.account_commands import account_app
from etl.accounts import AccountRefused
from etl.backup import BackupRefused
from etl.console import (
    DayOption,
    FileArgument,
    JsonFlag,
    MappingOption,
    day_of,
    mapping_of,
    print_check,
    print_findings,
    print_json,
    progress_bar,
    workplace,
)
from etl.filing import UnknownUnit
from etl.inbox import InboxRunning
from etl.intake.finding import Refusal
from etl.ledger.jobs import Outcome
from etl.ledger.receipts import NotHandedIn
from etl.ledger.schema import LedgerUnavailable
from etl.ledger.submissions import TransitionRefused
from etl.mail import MailUnavailable
from etl.mirror import NoSuchDifference
from etl.mirror_commands import mirror_app
from etl.periods import SHANGHAI
from etl.reference import (
    DATA_VARIABLE,
    HOME_VARIABLE,
    DeclaredDataError,
    data_folder,
    home_folder,
)
from etl.reminders import RemindersRunning
from etl.review_commands import review_app
from etl.roles import CITY, NotAllowed
from etl.warehouse import evidence, publish, rows
from etl.warehouse.build import BuildRefused
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Filters
from etl.warehouse.publish import BuildRunning
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import NothingPublished, Snapshot, current, open_snapshot

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="忻州市公转铁监测", pretty_exceptions_enable=False
)
log = logging.getLogger("railshift")

REFUSED = (
    Refusal,
    DeclaredDataError,
    BuildRefused,
    BuildRunning,
    NothingPublished,
    LedgerUnavailable,
    TransitionRefused,
    NotAllowed,
    UnknownUnit,
    NotHandedIn,
    NoSuchDifference,
    InboxRunning,
    MailUnavailable,
    RemindersRunning,
    AccountRefused,
    BackupRefused,
)


class By(StrEnum):
    city = "city"
    county = "county"
    corridor = "corridor"
    enterprise = "enterprise"


@app.command()
def init(as_json: JsonFlag = False) -> None:
    """建立运行目录和台账（已有的不改动）。"""
    work = workplace()
    if as_json:
        print_json({"home": str(work.home)})
    else:
        typer.echo(f"已就绪：{work.home}")


def _import_command(contract: str, what: str) -> Callable[..., None]:
    def command(
        file: FileArgument,
        mapping: MappingOption = None,
        received: DayOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        work = workplace()
        done = pipeline.import_table(
            work, contract, file, recorded_on=day_of(received), mapping=mapping_of(mapping)
        )
        if done.accepted and contract == "station_list":
            mirror.refresh(work)
        if as_json:
            findings = [finding.to_json() for finding in done.findings]
            print_json({"accepted": done.accepted, "rows": done.rows, "findings": findings})
        else:
            print_findings(done.findings)
            typer.echo(
                f"{what}：已登记{done.rows}行。" if done.accepted else f"{what}：未登记，请按上述提示改正。"
            )
        if not done.accepted:
            raise typer.Exit(1)

    command.__doc__ = f"导入{what}。"
    return command


for _contract, _what in registers.TITLES.items():
    _group = typer.Typer(no_args_is_help=True, help=_what)
    _group.command("import")(_import_command(_contract, _what))
    # A second command keeps `import` a sub-command: Typer folds a group of one into its group.
    _group.callback()(lambda: None)
    app.add_typer(_group, name=_contract.replace("_", "-"))


@app.command("export")
def export_command(
    table: Annotated[str, typer.Argument(help="、".join(registers.TITLES).replace("_", "-"))],
    out: Annotated[Path, typer.Option("--out", help="输出文件（.csv）", dir_okay=False)],
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="按当日已知的数据")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """导出一张台账，可原样再导入。"""
    name = table.replace("-", "_")
    if name not in registers.TITLES:
        known = "、".join(registers.TITLES).replace("_", "-")
        raise typer.BadParameter(f"没有“{table}”。可填：{known}。", param_hint="TABLE")
    count = registers.export(workplace(), name, out, day_of(as_of))
    if as_json:
        print_json({"table": name, "rows": count, "file": str(out)})
    else:
        typer.echo(f"{registers.TITLES[name]}：已导出{count}行到{out}。")


@app.command()
def check(
    file: FileArgument,
    mapping: MappingOption = None,
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="应填月份 YYYY-MM，其他月份的行不予受理")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="把问题写回工作簿（.xlsx）", dir_okay=False)
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="在工作簿里改成系统读到的写法（全角、空格、日期、别名）")
    ] = False,
    answers: Annotated[
        list[str] | None, typer.Option("--yes", help="对某项核实的肯定回答，如 S112：这一列确为万吨")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """校验一个文件，不登记；可把问题写回工作簿。"""
    work, layout, mended = workplace(), mapping_of(mapping), 0
    with progress_bar("校验") as step:
        checked = pipeline.check(work, [file], layout, step, expected_month=day_of(month))
        result = next(iter(checked))
    if report:
        book, mended = filing.report(
            work, file, result, mapping=layout, mend=mend, answers=answers or (), actor=filing.SENDER
        )
        report.write_bytes(book)
    if as_json:
        print_json(result.to_json())
    else:
        print_check(result)
        if report:
            typer.echo(f"已写回工作簿：{report}" + (f"，改写{mended}格" if mend else ""))
    if not result.accepted:
        raise typer.Exit(1)


app.add_typer(account_app, name="account")
app.add_typer(mirror_app, name="mirror")
app.command("template")(filing_commands.form)
app.command()(filing_commands.submit)
app.add_typer(review_app, name="review")
app.command("verify")(maintenance_commands.verify_command)
app.command("public")(public_commands.public_command)
app.command("backup")(maintenance_commands.backup_command)
app.command("restore")(maintenance_commands.restore_command)
app.command()(filing_commands.receipt)
app.command()(filing_commands.sheet)


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(help="一个或多个文件", exists=True, dir_okay=False)],
    mapping: MappingOption = None,
    reason: Annotated[str | None, typer.Option(help="更正已通过月份的原因")] = None,
    received: DayOption = None,
    as_json: JsonFlag = False,
) -> None:
    """批量校验、登记并通过历史月报（管理人员用）。"""
    day = day_of(received)
    done = []
    with progress_bar("读入") as step:
        for loaded in pipeline.load(
            workplace(),
            files,
            mapping=mapping_of(mapping),
            received=(lambda _: day) if day else None,
            reason=reason or pipeline.submissions.BULK_REASON,
            progress=step,
        ):
            done.append(loaded)
            if not as_json:
                print_check(loaded.check)
    accepted, amended, unchanged = (
        sum(getattr(loaded, name) for loaded in done) for name in ("accepted", "amended", "unchanged")
    )
    refused = [pair for loaded in done for pair in loaded.check.refused]
    whole = [loaded.check.file_name for loaded in done if not loaded.check.accepted]
    if as_json:
        print_json(
            {
                "files": [loaded.check.to_json() | {"file": loaded.check.file_name} for loaded in done],
                "accepted": accepted,
                "amended": amended,
                "unchanged": unchanged,
                "refused": [{"unit_code": unit, "month": month_} for unit, month_ in refused],
            }
        )
    else:
        typer.echo(
            f"新登记{accepted}个单位月，更正{amended}个，内容相同{unchanged}个，未受理{len(refused)}个。"
        )
        for unit, month_ in refused:
            typer.echo(f"未受理：{unit} {month_}")
    if refused or whole:
        raise typer.Exit(1)


@app.command()
def build(
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="按当日已知的数据生成")
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", hidden=True, help="只补做已登记而未发布的")] = False,
    as_json: JsonFlag = False,
) -> None:
    """由台账生成并发布数据。"""
    work, day = workplace(), day_of(as_of)
    if day and day > work.today:
        raise typer.BadParameter(f"{day}尚未到来，今天是{work.today}。", param_hint="--as-of")
    if pending:
        builds.publish_open(work)
        mirror.refresh(work)
        return
    with progress_bar("生成") as step:
        target = pipeline.publish_build(work, day, step)
        # Whoever asked while this one ran has left it to us.
        if day is None:
            target = builds.publish_open(work, step) or target
            mirror.refresh(work)
    if as_json:
        print_json({"snapshot": target.stem})
    else:
        typer.echo(f"已生成：{target.stem}")


@app.command("remind")
def remind_command(
    month: Annotated[datetime | None, typer.Option(formats=["%Y-%m"], help="月份，缺省为上月")] = None,
    send: Annotated[bool, typer.Option("--send", help="给未报和退回未改的单位发邮件（只有链接）")] = False,
    as_json: JsonFlag = False,
) -> None:
    """催报：列出未报和退回未改的单位，给出可复制的文字；--send 发邮件。"""
    work = workplace()
    found = reminders.reminder(work, day_of(month))
    sent = reminders.send(work, CITY) if send else None
    if as_json:
        print_json(
            {
                "month": f"{found.month:%Y-%m}",
                "due_on": found.due_on.isoformat(),
                "unsent": [{"unit_code": unit, "name": name} for unit, name in found.unsent],
                "returned": [{"unit_code": unit, "name": name} for unit, name in found.returned],
                "text": found.text,
                "sent": vars(sent) if sent else None,
            }
        )
        return
    typer.echo(found.text or f"{wording.month_text(found.month)}月报没有未报的单位。")
    if found.returned:
        typer.echo(f"退回未改：{'、'.join(name for _, name in found.returned)}。")
    if sent:
        typer.echo(f"已发邮件提醒{len(sent.units)}家，{len(sent.without_contact)}家没有联系人。")


@app.command("inbox")
def inbox_command(as_json: JsonFlag = False) -> None:
    """收件：登记收件箱里的新文件，未受理的移到一边并附报告。"""
    work = workplace()
    done = inbox.run(work)
    if as_json:
        print_json(
            {
                "files": [vars(one) for one in done.files],
                "being_written": list(done.being_written),
                "snapshot": done.snapshot,
                "unpublished": done.unpublished or None,
            }
        )
    else:
        for one in done.files:
            typer.echo(
                f"{one.outcome}：{one.name}{f'（{one.kind}）' if one.kind else ''} {one.message}".rstrip()
            )
        typer.echo(done.message())
    if done.outcome is not Outcome.DONE:
        raise typer.Exit(1)


@app.command("jobs")
def jobs_command(
    limit: Annotated[int, typer.Option(min=1, help="最多列出几次")] = 20, as_json: JsonFlag = False
) -> None:
    """列出最近的作业（生成、收件、提醒）及结果。"""
    work = workplace()
    ran, state = pipeline.jobs_run(work, limit), pipeline.build_state(work)
    if as_json:
        since = state.running_since
        print_json(
            {
                "jobs": [listing.job_json(job) for job in ran],
                "building_since": since.isoformat(timespec="seconds") if since else None,
                "waiting": state.waiting,
            }
        )
        return
    for job in ran:
        typer.echo(f"{job.started_at:%Y-%m-%d %H:%M:%S} {job.kind}：{job.outcome}。{job.message}")
    if state.waiting and not state.running_since:
        typer.echo(f"有{state.waiting}项待发布，请运行 railshift build。")


@app.command()
def indicators(
    year: Annotated[int, typer.Option(min=1990, max=2100, help="年份")],
    through: Annotated[int | None, typer.Option(min=1, max=12, help="截至月份，缺省为最近一个完整月")] = None,
    by: Annotated[By, typer.Option(help="分组")] = By.city,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="按当日已知的数据（须已生成）")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """计算指标，与方案目标比较。"""
    snapshot = _snapshot(day_of(as_of))
    filters = _period(snapshot, year, through)
    judged = evidence.indicators(snapshot, EVERYTHING, filters, by.value)
    if as_json:
        listed = [listing.judgement_json(one) for one in judged]
        print_json({"snapshot": snapshot.version, "indicators": listed})
        return
    for line in listing.judgement_lines(judged, snapshot):
        typer.echo(line)


@app.command("rows")
def rows_command(
    indicator: Annotated[str, typer.Option(help="指标编号，如 K2")],
    year: Annotated[int, typer.Option(min=1990, max=2100, help="年份")],
    out: Annotated[Path, typer.Option("--csv", help="输出文件")],
    through: Annotated[int | None, typer.Option(min=1, max=12)] = None,
    county: Annotated[str | None, typer.Option(help="县区代码")] = None,
    corridor: Annotated[str | None, typer.Option(help="通道")] = None,
    enterprise: Annotated[str | None, typer.Option(help="填报单位编码")] = None,
    commodity: Annotated[str | None, typer.Option(help="货类")] = None,
    direction: Annotated[str | None, typer.Option(help="发运或到达")] = None,
    as_json: JsonFlag = False,
) -> None:
    """导出一个数字背后的原始行，含未计入的行及原因。"""
    if indicator not in INDICATORS:
        raise typer.BadParameter(f"可填：{'、'.join(INDICATORS)}。", param_hint="--indicator")
    snapshot = _snapshot(None)
    known = {
        "--county": (county, snapshot.counties),
        "--corridor": (corridor, snapshot.corridors),
        "--enterprise": (enterprise, snapshot.units(EVERYTHING)),
        "--commodity": (commodity, [row["commodity"] for row in snapshot.rows("commodities")]),
        "--direction": (direction, ("发运", "到达")),
    }
    for option, (word, words) in known.items():
        if word is not None and word not in words:
            raise typer.BadParameter(f"数据中没有“{word}”。", param_hint=option)
    if indicator == "K1" and (enterprise or commodity or direction):
        raise typer.BadParameter("官方数只按县区或通道筛选。", param_hint="--indicator K1")
    period = _period(snapshot, year, through)
    filters = Filters(period.year, period.through, county, commodity, corridor, direction)
    frame = rows.behind(snapshot, EVERYTHING, indicator, filters, unit=enterprise)
    with out.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(frame.columns)
        writer.writerows([listing.csv_cell(cell) for cell in row] for row in frame.itertuples(index=False))
    if as_json:
        print_json({"snapshot": snapshot.version, "rows": len(frame), "file": str(out)})
    else:
        typer.echo(f"已导出{len(frame)}行：{out}")


@app.command()
def demo(as_json: JsonFlag = False) -> None:
    """生成演示数据（另设目录，不影响正式数据）。"""
    home = _demo_home()
    with progress_bar("演示") as step:
        published = demonstration.make(home, step)
    if as_json:
        print_json({"home": str(home), "snapshot": published.stem})
    else:
        typer.echo(f"演示数据已生成：{home}")


@app.command()
def serve(
    demo_data: Annotated[bool, typer.Option("--demo", help="用演示数据，没有则先生成")] = False,
    port: Annotated[int, typer.Option(help="端口")] = 8501,
    host: Annotated[str, typer.Option(help="地址；演示数据只能是本机")] = "127.0.0.1",
) -> None:
    """启动网页：正式数据凭账号登录，演示数据只在本机。"""
    environment = dict(os.environ)
    home = _demo_home() if demo_data else home_folder()
    if demo_data or demonstration.overlay_of(home):
        if host not in ("127.0.0.1", "localhost", "::1"):
            raise typer.BadParameter(
                "演示数据不设密码，只能在本机地址（127.0.0.1）启动。", param_hint="--host"
            )
        if demo_data and publish.current_path(home) is None:
            demo()
    elif not accounts.can_serve(workplace()):
        raise AccountRefused("还没有可用的管理账号。请先运行 railshift account add 名称 --role 管理。")
    if not demo_data:
        _snapshot(None)
    environment[HOME_VARIABLE] = str(home)
    environment[DATA_VARIABLE] = str(data_folder())
    typer.echo(f"请在浏览器打开 http://{host}:{port}")
    command = [sys.executable, "-m", "uvicorn", "dashboard.server:app", "--host", host, "--port", str(port)]
    with subprocess.Popen([*command, "--log-level", "warning"], env=environment) as server:
        # A service manager ends this process alone; what it has started goes with it.
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            raise typer.Exit(server.wait())
        except KeyboardInterrupt:
            server.terminate()


def main() -> None:
    """Run the command line: a refused input is a sentence and exit 1, never a trace."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        app(standalone_mode=True)
    except REFUSED as refusal:
        _refuse(refusal, f"{refusal}{getattr(refusal, 'remedy', '')}")
    except OSError as error:
        _refuse(error, f"系统错误，与您的文件无关：{error.filename or ''} {error.strerror or error}")
    except Exception as fault:  # noqa: BLE001 - a fault of ours: the user gets a sentence, the log the trace
        _refuse(fault, f"系统错误，与您的文件无关，详情已记入{_logged(fault)}，请联系系统管理员。")


def _refuse(error: Exception, sentence: str) -> None:
    if "--json" in sys.argv:
        shown = error if isinstance(error, REFUSED) else RuntimeError(sentence)
        print_json(listing.refusal_json(shown))
    else:
        typer.echo(sentence, err=True)
    sys.exit(1)


def _logged(fault: Exception) -> Path:
    """Where the trace of a fault was written."""
    file = home_folder() / "log" / "railshift.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        # The clock that tests set may be the fault itself.
        lines.write(f"{datetime.now(SHANGHAI).isoformat(timespec='seconds')} {' '.join(sys.argv)}\n")
        lines.writelines(traceback.format_exception(fault))
    return file


def _demo_home() -> Path:
    return Path(os.environ.get(HOME_VARIABLE) or "var/demo").resolve()


def _snapshot(as_of: date | None) -> Snapshot:
    home = home_folder()
    if as_of is None:
        return current(home)
    path = publish.as_of_path(home, as_of)
    if not path.is_file():
        raise NothingPublished(f"尚未按{as_of}生成，请先运行 railshift build --as-of {as_of}。")
    return open_snapshot(path)


def _period(snapshot: Snapshot, year: int, through: int | None) -> Filters:
    """January to `through`; default: the newest complete month of that year."""
    newest = snapshot.last_month
    last = 12 if year < newest.year else newest.month
    if year > newest.year or (through and through > last):
        raise typer.BadParameter(
            f"数据截至{newest.year}年{newest.month}月。", param_hint="--year / --through"
        )
    return Filters(year, through or last)


if __name__ == "__main__":
    main()
