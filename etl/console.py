"""What the commands share: the options, the run-time folder, JSON on stdout, a progress bar on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from etl import demo as demonstration
from etl import listing
from etl.intake.check import CheckResult
from etl.intake.finding import Finding
from etl.intake.mapping import Mapping, load_mapping
from etl.ledger.schema import open_ledger
from etl.pipeline import Workplace
from etl.reference import data_folder, home_folder, load_declared

err = Console(stderr=True, highlight=False)

JsonFlag = Annotated[bool, typer.Option("--json", help="以一个 JSON 对象输出")]
FileArgument = Annotated[Path, typer.Argument(help="文件（CSV、xlsx、xls）", exists=True, dir_okay=False)]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", help="列映射（TOML）", exists=True, dir_okay=False)
]
DayOption = Annotated[datetime | None, typer.Option("--received", formats=["%Y-%m-%d"], help="收到日期")]


def workplace() -> Workplace:
    """The run-time folder with its ledger, and the declared data in force."""
    home = home_folder()
    overlay = demonstration.overlay_of(home)
    return Workplace(home, open_ledger(home), load_declared(data_folder(), overlay))


def mapping_of(path: Path | None) -> Mapping | None:
    return load_mapping(path) if path else None


def day_of(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


@contextmanager
def progress_bar(what: str) -> Generator[Callable[[str, int, int], None]]:
    """A bar on stderr: the step's name, how much of it is done, the time it has taken."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def step(name: str, done: int, whole: int) -> None:
            bar.update(task, description=f"{what} {name}", completed=done, total=whole or None)

        yield step


def print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=None))


def print_check(result: CheckResult) -> None:
    state = "通过校验" if result.accepted else "未通过校验"
    typer.echo(f"{result.file_name}：{state}，{result.rows}行，{listing.plain(result.tonnes)}吨。")
    print_findings(result.findings, result.totals)


def print_findings(findings: tuple[Finding, ...], totals: dict[str, int] | None = None) -> None:
    for line in listing.finding_lines(findings, totals):
        typer.echo(line)
