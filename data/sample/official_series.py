"""The official series of the demonstration (演示数据): invented yearly totals, months, vintages."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from story import LAST, RAIL, dice, following

# 方式, 对象类型, 对象, 口径 → total of each year (2026: of its nine months).
TOTALS = {
    ("铁路", "全市", "全市", "发送"): {
        2020: "19618.40",
        2021: "20312.75",
        2022: "20964.18",
        2023: "21236.52",
        2024: "21290.36",
        2025: "21430.27",
        2026: "16118.93",
    },
    ("铁路", "通道", "朔黄", "发送"): {
        2020: "6012.35",
        2021: "6248.90",
        2022: "6480.62",
        2023: "6612.08",
        2024: "6655.47",
        2025: "6712.33",
        2026: "5071.86",
    },
    ("铁路", "县区", "保德县", "发送"): {
        2020: "1985.20",
        2021: "2061.44",
        2022: "2140.75",
        2023: "2196.30",
        2024: "2262.18",
        2025: "2468.91",
        2026: "1893.57",
    },
    ("公路", "全市", "全市", "营业性"): {
        2020: "9874.62",
        2021: "10362.18",
        2022: "10218.44",
        2023: "10486.90",
        2024: "10341.27",
        2025: "10155.83",
        2026: "7412.35",
    },
}
# Seasonal path of rail and road in per cent of the mean month; single months that stand out.
SEASON = {
    "铁路": (101, 92, 102, 99, 99, 98, 101, 101, 98, 100, 103, 106),
    "公路": (86, 70, 101, 104, 106, 105, 104, 105, 108, 110, 106, 95),
}
MONTH = {("铁路", "2024-12"): 1.02, ("铁路", "2025-10"): 0.955, ("铁路", "2026-02"): 0.97}
# Months for which the series also prints the year's 累计; the others are summed.
CUMULATED = ["2023-12", "2024-06", "2025-03", "2025-06", "2025-09", "2025-12", "2026-03", "2026-06"]


def monthly(series: tuple[str, ...], year: int, total: str) -> dict[str, Decimal]:
    """A year's total over its months, in 万吨 with two decimals; the sum is exact."""
    months = [m for m in (f"{year}-{n:02d}" for n in range(1, 13)) if m <= LAST]
    season = SEASON[series[0]]
    weights = {}
    for month in months:
        usual = season[int(month[5:]) - 1] * MONTH.get((series[0], month), 1)
        weights[month] = round(usual * dice(*series, month).uniform(0.988, 1.012) * 1000)
    values = {m: cents(Decimal(total) * w / sum(weights.values())) for m, w in weights.items()}
    values[months[-3]] += Decimal(total) - sum(values.values())
    return values


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


def vintages(series: tuple[str, ...], month: str, final: Decimal) -> Iterator[tuple[str, Decimal, str]]:
    """状态, value and 发布日期 of one month: first the 快报, then the 确报, next spring the 年报."""
    chance = dice("vintage", *series, month)
    closed = month < "2026"
    if month >= "2024-01":
        yield "快报", cents(final * Decimal(1 + chance.uniform(-0.008, 0.008))), following(month, 9)
    if "2022-01" <= month < LAST:
        drift = chance.uniform(-0.003, 0.003) if closed else 0
        yield "月报确报", cents(final * Decimal(1 + drift)), following(month, 20)
    if closed:
        yield "年报核定", final, f"{int(month[:4]) + 1}-04-15"


def official() -> Iterator[list[str]]:
    for series, totals in TOTALS.items():
        mode, kind, name, caliber = series
        for year, total in totals.items():
            running: dict[str, Decimal] = {}
            for month, final in monthly(series, year, total).items():
                for state, amount, published in vintages(series, month, final):
                    running[state] = running.get(state, Decimal(0)) + amount
                    shared = [caliber, "", state, "演示数据", published, "否" if state == "快报" else "是"]
                    yield [month, mode, kind, name, "合计", "当期", str(amount), *shared]
                    if month in CUMULATED and name == "全市" and mode == RAIL and state != "快报":
                        yield [month, mode, kind, name, "合计", "累计", str(running[state]), *shared]
