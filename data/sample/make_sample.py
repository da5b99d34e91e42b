"""Writes the labelled demonstration set (演示数据) beside itself, or into the folder given as argument.

Run it again after a change of story.py: the same script always writes the same bytes. Masses are whole
kilograms inside, so that the bounds drawn on purpose (80.00 %, 1 500 000 t) are exact.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from official_series import official
from story import (
    AMENDED,
    AMENDED_MONTH,
    AMENDED_ON,
    BELT,
    BILLS,
    BOX_LOAD_T,
    COAL_AREAS,
    COMMITMENTS,
    DISTANCE,
    DISTURBED,
    EVENTS,
    FLOWS,
    GRAIN_KG,
    HALTED,
    HISTORY,
    LABEL,
    LAST,
    LISTED_MONTHS,
    LISTED_NOTES,
    LISTED_OTHERWISE,
    MISSING,
    MONTHS,
    NEV,
    OD,
    PINNED_80_PERCENT,
    PINNED_TOTAL,
    PROBLEMS,
    PROJECTS,
    RAIL,
    ROAD,
    SEASON,
    SEASON_OF,
    SILENT_FROM,
    SPRING_FESTIVAL,
    SPUR_TABLE,
    STATIONS,
    TARGETS,
    TASKS,
    TODAY,
    UNITS,
    WEIGHED,
    ZERO,
    Flow,
    dice,
    following,
)

HERE = Path(__file__).resolve().parent
NUMBER = {key: n for n, key in enumerate(UNITS, start=1)}
HEADERS = {
    "returns": "月份,统一社会信用代码,填报单位编码,企业名称,货类,方向,运输方式,起点,终点,对方单位,通道,"
    "运距公里,运量吨,短驳,换装站,装载,箱数,计量依据,备注",
    "registry": "统一社会信用代码,填报单位编码,企业名称,县区代码,单位类型,行业,集团,大型,认定依据,新建,"
    "省目录,核定年货运量吨,报告期,生产状态,专用线豁免依据,应报起,应报止,生效日期",
    "spurs": "专用线编号,专用线名称,性质,产权单位,接轨站,通道,能力万吨年,状态,开通日期,使用单位,"
    "使用关系,使用起,使用止",
    "official": "月份,方式,对象类型,对象,货类,期别,数值万吨,口径,运营主体,状态,来源,发布日期,公开",
    "targets": "年份,指标,对象类型,对象,目标值,单位,责任单位,依据",
    "events": "日期,对象类型,对象,说明",
    "projects": "项目,批复文号,县区,年大宗量万吨,批复运输方式,实际方式,例外依据,节点",
    "station_list": "月份,车站,托运人,货类,方向,运量吨",
    "tasks": "任务编号,措施,任务,节点,完成时限,责任单位,配合单位,进度,状态,进展",
    "problems": "问题编号,措施,任务编号,县区,问题,责任单位,提出日期,整改时限,状态,销号日期,销号依据",
    "commitments": "单位,承诺措施,承诺运量吨,承诺日期,兑现期限,依据",
    "bills": "月份,运营主体,运单票数,箱数",
    "contacts": "单位,联系人,邮箱,启用",
    "mirror_notes": "月份,单位,身份,说明",
    "receipts": "月份,填报单位编码,版本,收到日期",
    "stations": "name,tmis,corridor,county_code,aliases",
    "coal_areas": "county_code,from,to,basis",
    "od_distances": "origin,destination,corridor,distance_km,basis",
}


@dataclass
class Row:
    month: str
    unit: str
    commodity: str
    direction: str
    mode: str
    origin: str
    destination: str
    partner: str
    corridor: str  # only where neither 认定里程 nor a station gives it
    km: str
    kg: int
    loading: str = "散装"
    station: str = ""  # 换装站; only drayage has one


def uscc(number: int) -> str:
    """A valid code (GB 32100) around an organisation code MADEM0nn (GB 11714) that is plainly invented."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    plain = f"MADEM0{number:02d}"
    rest = 11 - sum(int(c, 36) * w for c, w in zip(plain, (3, 7, 9, 10, 5, 8, 4, 2), strict=True)) % 11
    body = f"91140900{plain}{'0' if rest == 11 else 'X' if rest == 10 else rest}"
    return body + letters[(31 - sum(letters.index(c) * 3**i for i, c in enumerate(body)) % 31) % 31]


def uscc_of(key: str) -> str:
    return uscc(NUMBER[UNITS[key].uscc_of or key])


def code_of(key: str) -> str:
    """unit_code: the 填报单位编码, or the uscc where there is none."""
    return UNITS[key].code or uscc_of(key)


def halted(unit: str, month: str) -> bool:
    return unit in HALTED and HALTED[unit][0] <= month <= HALTED[unit][1]


def path(values: Sequence[float], month: str) -> float:
    """Between the middles of 2022, 2025 and 2026, straight."""
    year = int(month[:4]) + (int(month[5:]) - 0.5) / 12
    low, mid, high = values
    if year < 2025.5:
        return low + (mid - low) * (max(year, 2022.5) - 2022.5) / 3
    return mid + (high - mid) * min((year - 2025.5) / 0.9, 1)


def grains(kg: float, mode: str) -> int:
    return round(kg / GRAIN_KG[mode]) * GRAIN_KG[mode]


def flow_rows(flow: Flow) -> Iterator[Row]:
    """The rows of one flow, split by mode and by loading, month by month."""
    line, km = DISTANCE.get((flow.origin, flow.destination), ("", ""))
    for month in MONTHS:
        due = UNITS[flow.unit].due_from
        if not max(flow.first, due) <= month <= flow.last or halted(flow.unit, month):
            continue
        chance = dice(flow.unit, flow.commodity, flow.origin, flow.destination, month)
        kept, shifted = DISTURBED.get((line, month), (1, 1))
        season = SEASON[SEASON_OF.get(flow.commodity, "flat")][int(month[5:]) - 1] / 100
        growth = (1 + flow.growth / 100) ** (int(month[:4]) - 2025)
        total = flow.kt * 1e6 / 12 * season * growth * kept * chance.uniform(0.97, 1.03)
        total *= SPRING_FESTIVAL.get(month, 1)
        ends = {"origin": flow.origin, "destination": flow.destination, "partner": flow.partner}
        made = Row(month, flow.unit, flow.commodity, flow.direction, "", **ends, corridor="", km=km, kg=0)
        if flow.belt:
            corridor, length = flow.belt
            yield replace(made, mode=BELT, kg=grains(total, BELT), corridor=corridor, km=f"{length:g}")
            continue
        share = path(flow.rail, month) / 100 * shifted * (1 + chance.uniform(-0.008, 0.008))
        boxed = path((flow.boxed * 0.5, flow.boxed, flow.boxed * 1.1), month) / 100 if flow.boxed < 100 else 1
        nev = path((flow.nev * 0.2, flow.nev, flow.nev * 1.3), month) / 100
        # What goes into containers does so on the road as well.
        by_road = flow.box if flow.boxed == 100 else "散装"
        for mode, loading, part in (
            (RAIL, "散装", share * (1 - boxed)),
            (RAIL, flow.box, share * boxed),
            (ROAD, by_road, (1 - share) * (1 - nev)),
            (NEV, by_road, (1 - share) * nev),
        ):
            if kg := grains(total * part, mode):
                yield replace(made, mode=mode, loading=loading, kg=kg)


def pin_totals(rows: list[Row]) -> None:
    """Scales the years that are drawn on purpose; the last row takes what rounding leaves."""
    for (unit, year), wanted in PINNED_TOTAL.items():
        scale([r for r in rows if r.unit == unit and r.month.startswith(year)], wanted)
    unit, year = PINNED_80_PERCENT
    mine = [r for r in rows if r.unit == unit and r.month.startswith(year)]
    road = sum(r.kg for r in mine if r.mode in (ROAD, NEV))
    scale([r for r in mine if r.mode == RAIL], 4 * road)


def scale(rows: list[Row], wanted: int) -> None:
    factor = wanted / sum(r.kg for r in rows)
    for row in rows:
        row.kg = grains(row.kg * factor, row.mode)
    rows[-1].kg += wanted - sum(r.kg for r in rows)


def other_end(row: Row) -> Row:
    """The receiver's row of a flow inside the city; some dust and water is lost on the way."""
    kg = grains(row.kg * dice("loss", row.unit, row.month).uniform(0.995, 1), row.mode)
    return replace(row, unit=row.partner, partner=row.unit, direction="到达", kg=kg)


def drayage(flow: Flow, rail: list[Row]) -> Iterator[Row]:
    """Lorries (or a belt) to the station where the flow is loaded, within 5 % of the trains."""
    place, km, nev = flow.dray
    for month in sorted({r.month for r in rail}):
        total = sum(r.kg for r in rail if r.month == month) * dice("dray", place, month).uniform(0.985, 1.02)
        clean = path((nev * 0.3, nev, nev * 1.3), month) / 100 if nev >= 0 else 0
        parts = [(BELT, 1.0)] if nev < 0 else [(ROAD, 1 - clean), (NEV, clean)]
        # A park receives; a mine sends. A park is no station, so its corridor has to be written.
        direction = "到达" if flow.unit.startswith("P") else "发运"
        line = DISTANCE[flow.origin, flow.destination][0] if flow.origin.startswith("示范物流园") else ""
        for mode, part in parts:
            if kg := grains(total * part, mode):
                ends = {"origin": place, "destination": flow.origin, "station": flow.origin, "partner": ""}
                what = (month, flow.unit, flow.commodity, direction, mode)
                yield Row(*what, **ends, corridor=line, km=f"{km:g}", kg=kg)


def all_rows() -> list[Row]:
    """Every row that every unit could tell, before some stay silent."""
    by_flow = [(flow, list(flow_rows(flow))) for flow in FLOWS]
    rows = [row for _, made in by_flow for row in made]
    pin_totals(rows)
    for flow, made in by_flow:
        derived = list(drayage(flow, [r for r in made if r.mode == RAIL])) if flow.dray else []
        rows += derived
        if flow.park:
            # The park tells the same trains and lorries, and names the owner of the goods.
            rows += [replace(r, unit=flow.park, partner=flow.unit) for r in made if r.mode == RAIL]
            rows += [replace(r, unit=flow.park, partner=flow.unit, direction="到达") for r in derived]
        if flow.partner:
            rows += [other_end(r) for r in made]
    return rows


def reports(unit: str, month: str) -> bool:
    """Whether a return for that month has come in."""
    duty = UNITS[unit].due_from <= month <= (UNITS[unit].due_to or LAST) and not halted(unit, month)
    return duty and unit != "P07" and (unit, month) not in MISSING and month < SILENT_FROM.get(unit, "9999")


def tonnes(kg: int) -> str:
    return f"{kg // 1000}.{kg % 1000:03d}".rstrip("0").rstrip(".")


def named(unit: str) -> list[str]:
    return [uscc_of(unit), UNITS[unit].code, UNITS[unit].name]


def return_line(row: Row) -> list[str]:
    boxes = str(round(row.kg / 1000 / BOX_LOAD_T[row.loading])) if row.loading in BOX_LOAD_T else ""
    # Plants are named, mines and parks are given by code: both are allowed.
    partner = row.partner and (UNITS[row.partner].name if row.partner[0] in "EJS" else code_of(row.partner))
    told = [row.month, *named(row.unit), row.commodity, row.direction, row.mode, row.origin, row.destination]
    told += [partner, row.corridor, row.km, tonnes(row.kg), "是" if row.station else "否", row.station]
    return [*told, row.loading, boxes, WEIGHED[row.mode], ""]


def month_file(month: str, rows: list[Row]) -> list[list[str]]:
    """All returns of one month, unit after unit; no traffic is a 零申报 row."""
    lines = []
    for key in UNITS:
        mine = [r for r in rows if r.unit == key]
        if (key, month) in ZERO and reports(key, month):
            lines.append([month, *named(key), *[""] * 14, "零申报"])
        elif reports(key, month):
            lines += [return_line(r) for r in mine]
    return lines


def first_told(row: Row, rows: list[Row]) -> Row:
    """The row as version 1 had it: the largest flow of an amended unit lacks a list of trains."""
    if row.unit in AMENDED and row is max((r for r in rows if r.unit == row.unit), key=lambda r: r.kg):
        return replace(row, kg=row.kg - AMENDED[row.unit])
    return row


def write_returns(folder: Path, rows: list[Row]) -> None:
    for month in MONTHS:
        now = [r for r in rows if r.month == month]
        if month == AMENDED_MONTH:
            write(folder, f"returns/{month}-更正", [return_line(r) for r in now if r.unit in AMENDED])
            now = [first_told(r, now) for r in now]
        write(folder, f"returns/{month}", month_file(month, now))


def receipts() -> Iterator[list[str]]:
    """Most returns come from the 3rd to the 8th of the next month, some late, one as a second version."""
    for month in MONTHS:
        for key in UNITS:
            if not reports(key, month):
                continue
            chance = dice("receipt", key, month)
            days = [chance.randint(3, 8), chance.randint(9, 12), chance.randint(13, 25)]
            day = chance.choices(days, [90, 7, 3])[0]
            received = min(following(month, day), TODAY.isoformat())
            yield [month, code_of(key), "1", received]
            if key in AMENDED and month == AMENDED_MONTH:
                yield [month, code_of(key), "2", AMENDED_ON]


def registry() -> Iterator[list[str]]:
    for key, u in UNITS.items():
        row = dict.fromkeys(HEADERS["registry"].split(","), "") | {
            "统一社会信用代码": uscc_of(key),
            "填报单位编码": u.code,
            "企业名称": u.name,
            "县区代码": u.county,
            "单位类型": "物流园区" if u.new else "工矿企业",
            "行业": u.industry,
            "集团": "示例集团" if u.name.startswith("示例煤业") else "",
            "大型": u.large,
            "认定依据": "演示名录" if u.large == "是" else "",
            "新建": u.new,
            "省目录": u.catalogue,
            "核定年货运量吨": u.approved_t,
            "报告期": u.period,
            "生产状态": "正常",
            "专用线豁免依据": u.exemption,
            "应报起": u.due_from,
            "应报止": u.due_to,
            "生效日期": u.valid_from,
        }
        yield list(row.values())
        for changed, day, values in HISTORY:
            if changed == key:
                row |= values | {"生效日期": day}
                yield list(row.values())


def spurs() -> Iterator[list[str]]:
    for entry in SPUR_TABLE.strip().splitlines():
        number, line, users = entry.split(" | ")
        junction, corridor, capacity, state, opened = line.split(" ")
        owner = UNITS[users.split(" ")[0]].name
        for use in users.split(", "):
            user, relation, since = use.split(" ")
            row = [f"YS{number}", f"{owner}专用线", "专用线", owner, junction, corridor, capacity, state]
            yield [*row, opened.strip("-"), code_of(user), relation, since.strip("-"), ""]


def station_list(rows: list[Row]) -> Iterator[list[str]]:
    """What the stations saw of the units' trains: the same within the railway's day, but for three that differ."""
    with (HERE.parent / "reference/stations.csv").open(encoding="utf-8", newline="") as file:
        names = {row["name"] for row in csv.DictReader(file)} | {name for name, _, _ in STATIONS}
    seen: Counter[tuple[str, str, str, str]] = Counter()
    for row in rows:
        # A park tells its owner's trains too; the station has them under the owner.
        is_own = (row.direction, row.mode) == ("发运", RAIL) and not (
            row.unit.startswith("P") and row.partner
        )
        if (
            is_own
            and (row.unit, row.month) not in ZERO
            and row.month in LISTED_MONTHS
            and row.origin in names
        ):
            seen[row.month, row.origin, row.unit, row.commodity] += row.kg
    for (month, station, unit, commodity), kg in sorted(seen.items()):
        by_the_railways_day = dice("list", month, station, unit).uniform(0.995, 1.005)
        share = LISTED_OTHERWISE.get((unit, month), 100) / 100 * by_the_railways_day
        if listed := grains(kg * share, RAIL):
            yield [month, station, code_of(unit), commodity, "发运", tonnes(listed)]


def bills() -> Iterator[list[str]]:
    for operator, (first, waybills, boxes) in BILLS.items():
        for step, month in enumerate(m for m in MONTHS if m >= first):
            yield [month, operator, str(waybills + 2 * step), str((waybills + 2 * step) * boxes)]


def contacts() -> Iterator[list[str]]:
    # Some of those that are late have nobody to write to.
    for key in [*list(UNITS)[:8], "J03", "W02"]:
        yield [code_of(key), "演示联系人", f"{key.lower()}@example.invalid", "是"]


def stations() -> list[list[str]]:
    """The declared stations, which an overlay has to repeat, and those of the demonstration."""
    with (HERE.parent / "reference/stations.csv").open(encoding="utf-8", newline="") as file:
        _, *declared = csv.reader(file)
    return declared + [[name, "", line, county, name.removesuffix("站")] for name, line, county in STATIONS]


def write(folder: Path, name: str, lines: Iterable[Sequence[str]]) -> None:
    """One CSV file: the label, the header of its kind, the lines."""
    target = folder / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    kind = "returns" if name.startswith("returns/") else target.stem
    with target.open("w", encoding="utf-8", newline="") as file:
        file.write(f"{LABEL}\n{HEADERS[kind]}\n")
        csv.writer(file, lineterminator="\n").writerows(lines)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo.toml").write_text(f"{LABEL}\ntoday = {TODAY}\n", encoding="utf-8", newline="\n")
    write(folder, "reference/stations", stations())
    write(folder, "reference/coal_areas", ([code, "2022-01", "", "演示"] for code in COAL_AREAS))
    write(folder, "reference/od_distances", ([*pair, "演示"] for pair in OD))
    write(folder, "registry", registry())
    write(folder, "spurs", spurs())
    write(folder, "official", official())
    write(folder, "targets", TARGETS)
    write(folder, "events", EVENTS)
    write(folder, "projects", PROJECTS)
    write(folder, "station_list", station_list([r for r in all_rows() if reports(r.unit, r.month)]))
    write(folder, "tasks", TASKS)
    write(folder, "problems", PROBLEMS)
    write(folder, "commitments", ([code_of(unit), *rest, "演示承诺书"] for unit, *rest in COMMITMENTS))
    write(folder, "bills", bills())
    write(folder, "contacts", contacts())
    write(folder, "mirror_notes", ([month, code_of(unit), *rest] for unit, month, *rest in LISTED_NOTES))
    write(folder, "receipts", receipts())
    write_returns(folder, all_rows())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
