"""The registry of indicators: what each one is, in words, and whom it counts.

An indicator is one entry here, one file in sql/flow/ (its goods: numerator and denominator) and, where
the plan sets a target, one entry in data/plan.toml. The methods page and each definition are printed from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.targets import Plan
from etl.warehouse.pages import Definition


@dataclass(frozen=True)
class Indicator:
    """One indicator. `needs_*` say who is a member; the goods are in sql/flow/<id>.sql."""

    id: str
    name: str
    title: str
    numerator: str
    denominator: str
    population: str
    exclusions: str
    clause: str
    source: str
    needs_mine: bool = False
    needs_coal_area: bool = False
    needs_large_or_new: bool = False
    needs_spur: bool = False
    switches: tuple[str, ...] = ()
    beside: str = ""


_RETURNS = "企业月报（已审核通过）"
_SAME_GOODS = "短驳不计；全市、县区、通道口径同一批货物只计一次（对流扣除）"

INDICATORS = {
    entry.id: entry
    for entry in (
        Indicator(
            id="K1",
            name="全市铁路货运量",
            title="铁路货运量",
            numerator="铁路部门公布的累计值；该月未公布累计的，为当期之和",
            denominator="—",
            population="铁路 · 全市 · 合计，口径见下",
            exclusions="不由企业月报合成，不与公路货运量相加或相除",
            clause="（二）",
            source="官方数",
            switches=("k1_caliber",),
        ),
        Indicator(
            id="K2",
            name="中长距离煤焦铁路占比",
            title="500公里以上煤焦铁路占比",
            numerator="铁路运量",
            denominator="各种运输方式运量",
            population="煤炭主产区的大型工矿企业，运距500公里以上（含）的煤炭和焦炭",
            exclusions=_SAME_GOODS,
            clause="（二）",
            source=_RETURNS,
            needs_mine=True,
            needs_coal_area=True,
        ),
        Indicator(
            id="K2_ALL",
            name="中长距离煤焦铁路占比（全市口径，参考）",
            title="全市口径（参考）",
            numerator="铁路运量",
            denominator="各种运输方式运量",
            population="全市大型工矿企业，运距500公里以上（含）的煤炭和焦炭，不看是否煤炭主产区",
            exclusions=_SAME_GOODS,
            clause="（二）",
            source=_RETURNS,
            needs_mine=True,
            beside="K2",
        ),
        Indicator(
            id="K3",
            name="专用线单位大宗铁路占比",
            title="专用线单位大宗铁路占比",
            numerator="铁路运量",
            denominator="铁路、公路、公路（新能源）运量之和",
            population="当月已接入专用线的大型工矿企业和新建物流园区，大宗货物，不限运距",
            exclusions=_SAME_GOODS,
            clause="（五）",
            source=_RETURNS,
            needs_large_or_new=True,
            needs_spur=True,
            switches=("belt_in_k3", "spur_access_from"),
        ),
        Indicator(
            id="K3_BELT",
            name="专用线单位大宗铁路占比（皮带另一口径）",
            title="皮带廊道另一口径",
            numerator="铁路运量",
            denominator="铁路、公路、公路（新能源）运量，皮带廊道按相反口径",
            population="同专用线单位大宗铁路占比",
            exclusions=_SAME_GOODS,
            clause="（五）",
            source=_RETURNS,
            needs_large_or_new=True,
            needs_spur=True,
            switches=("belt_in_k3",),
            beside="K3",
        ),
        Indicator(
            id="K3_ALL",
            name="全部专用线单位大宗铁路占比",
            title="全部专用线单位",
            numerator="铁路运量",
            denominator="铁路、公路、公路（新能源）运量之和",
            population="当月已接入专用线的全部单位，大宗货物，不限运距",
            exclusions=_SAME_GOODS,
            clause="（五）",
            source=_RETURNS,
            needs_spur=True,
            switches=("belt_in_k3", "spur_access_from"),
            beside="K3",
        ),
        Indicator(
            id="K4",
            name="专用线接入率",
            title="专用线接入率",
            numerator="已接入专用线的义务单位数",
            denominator="义务单位数",
            population="大型工矿企业和新建物流园区中，省目录内的，或未列明时上一完整年度大宗货物运量150万吨以上（含）的",
            exclusions="短驳不计；豁免单位留在分母中，另列扣除豁免",
            clause="（五）",
            source="名录、专用线台账、企业月报",
            switches=("spur_access_from",),
        ),
        Indicator(
            id="K5",
            name="500公里以上大宗铁路占比",
            title="500公里以上大宗铁路占比",
            numerator="铁路运量",
            denominator="各种运输方式运量",
            population="全部单位，运距500公里以上（含）的大宗货物",
            exclusions=_SAME_GOODS,
            clause="（二）",
            source=_RETURNS,
        ),
        Indicator(
            id="K6",
            name="500公里以上集装箱铁路占比",
            title="500公里以上集装箱铁路占比",
            numerator="铁路运量",
            denominator="各种运输方式运量",
            population="全部单位，运距500公里以上（含）、以敞顶箱或集装箱装载的货物",
            exclusions=_SAME_GOODS,
            clause="（二）",
            source=_RETURNS,
        ),
        Indicator(
            id="C1",
            name="铁路、皮带、新能源合计占比（本系统口径）",
            title="铁路、皮带、新能源合计占比",
            numerator="铁路、皮带廊道、公路（新能源）运量之和",
            denominator="各种运输方式运量",
            population="全部单位，大宗货物",
            exclusions=_SAME_GOODS,
            clause="（五）",
            source=_RETURNS,
        ),
        Indicator(
            id="C2",
            name="短距离清洁占比",
            title="短距离清洁占比",
            numerator="皮带廊道、公路（新能源）运量之和",
            denominator="铁路以外各种运输方式运量",
            population="全部单位，短距离大宗货物",
            exclusions=_SAME_GOODS,
            clause="（五）",
            source=_RETURNS,
            switches=("short_distance_km",),
        ),
        Indicator(
            id="C3",
            name="新能源短驳占比",
            title="新能源短驳占比",
            numerator="公路（新能源）短驳运量",
            denominator="短驳运量",
            population="全部单位的短驳",
            exclusions="全市、县区、通道口径同一批货物只计一次（对流扣除）",
            clause="（十）",
            source=_RETURNS,
            switches=("drayage_limit_km",),
        ),
        Indicator(
            id="C4",
            name="敞顶箱发运占比",
            title="敞顶箱发运占比",
            numerator="铁路发运中以敞顶箱装载的运量",
            denominator="铁路发运运量",
            population="全部单位的铁路发运",
            exclusions="全市、县区、通道口径同一批货物只计一次（对流扣除）",
            clause="（八）",
            source=_RETURNS,
        ),
    )
}
SHARES = tuple(i for i in INDICATORS if i not in ("K1", "K4"))
PLAN_INDICATORS = ("K1", "K2", "K3", "K4")


def definition(indicator: str, plan: Plan) -> Definition:
    """An indicator's definition as it is printed. Errors: KeyError for an unknown id."""
    entry = INDICATORS[indicator]
    target = plan.targets.get(indicator)
    return Definition(
        indicator=entry.id,
        name=entry.name,
        numerator=entry.numerator,
        denominator=entry.denominator,
        population=entry.population,
        exclusions=entry.exclusions,
        bound="以上、以下均含本数；按未舍入的数判定" if target else "不判定",
        clause=f"{plan.document}{entry.clause}",
        quote=target.quote if target else "",
        target=_target_words(entry.id, plan),
        source=entry.source,
        open_questions=tuple(
            f"{switch.question}（现按：{_switch_words(switch.value)}）"
            for name in entry.switches
            if (switch := plan.switches[name]).provisional
        ),
    )


def _target_words(indicator: str, plan: Plan) -> str:
    target = plan.targets.get(indicator)
    if target is None:
        reference = plan.references.get(indicator)
        return "无目标" if reference is None else f"无目标；参考线{reference * 100:.0f}%（以铁路为主）"
    return "；".join(
        f"{year}年{f'{value * 100:.0f}%' if target.unit == 'share' else f'{value}{target.unit}'}（{target.wording}）"
        for year, value in target.values.items()
    )


def _switch_words(value: object) -> str:
    words = {"": "唯一口径", True: "计入", False: "不计入", "next_month": "次月起", "same_month": "当月起"}
    return words.get(value, str(value)) if isinstance(value, (str, bool)) else str(value)
