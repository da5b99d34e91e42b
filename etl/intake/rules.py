"""The catalogue of what a return must hold to: one entry a rule, in reading order.

A rule is data; its severity is a field. `wrong_if` is an SQL predicate over one row of `asked`
(sql/40_asked.sql; check.py joins the predicates into one pass) with {f} for each of `fields`; it is
asked of data rows, never of 合计 rows or the footer. `reading` says that a cell was read in that way
(words.py). A rule with neither is found while the file is read.
Messages may name {value} (the cell as written), {place} (sheet, row and column) and {known} (what
the SQL expression `known` gives for the row).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from etl.intake import words as w
from etl.intake.finding import EXPLAIN, MUST, NOTE, Finding, Refusal

VERSION = "2026-12"
FIRST = "2026-11"

FILE = "文件"
STRUCTURE = "结构"
VALUE = "数值"
IDENTITY = "身份"
CONSISTENCY = "一致性"
PLAUSIBILITY = "合理性"

LISTS = ("commodity", "direction", "mode", "corridor", "drayage", "loading", "weighing_basis")
NUMBERS = ("distance_km", "tonnes", "boxes", "vehicles")
PLACES = ("origin", "destination", "transfer_station")
FREE = ("counterparty", "note")
KEYS = ("month", "uscc", "unit_code", "enterprise_name")
ALL_FIELDS = (*KEYS, *LISTS, *PLACES, *FREE, *NUMBERS)

RETURN_RULE = "月报填报约定"
PLAN_5 = "忻政办发〔2023〕7号（五）"


@dataclass(frozen=True)
class Rule:
    """One entry. `fields`: the columns it is asked of, the first one is named in the finding.

    `general`, `general_do`: what it finds and what to do where no file is at hand, for messages that are made
    of what was found; '' = as in a message, with … for what is not known.
    """

    code: str
    severity: str
    scope: str
    what: str
    do: str
    fields: tuple[str, ...] = ()
    wrong_if: str | None = None
    reading: str | None = None
    known: str | None = None
    source: str = RETURN_RULE
    since: str = FIRST
    general: str = ""
    general_do: str = ""

    def predicate(self, field: str) -> str | None:
        """The SQL condition for one column; None for a rule that is found while reading."""
        if self.reading is not None:
            return f"{field}_reading = '{self.reading}'"
        return self.wrong_if.replace("{f}", field) if self.wrong_if else None


# A belt longer than this is likely a mistake. km, the bound itself is fine.
BELT_LIMIT_KM = "25"
# A slip between tonnes and 万吨 is a factor of 10000; a month may itself be ten times a usual one.
UNIT_SLIP = 1000
# A mode's month may be so many median deviations of all its months away from the same month of earlier
# years or from the last three months: goods that moved to rail for good are no finding every month. The
# deviation counts as a twentieth of that month at least; a year of accepted months is needed.
DEVIATIONS = 6
LEAST_DEVIATION = Decimal("0.05")
LEAST_MONTHS = 12
RECENT_MONTHS = 3
# A spur carries a twelfth of its yearly capacity a month, a fifth more in a good one.
CAPACITY_LEEWAY = Decimal("1.2")
# Drayage into a station and rail dispatch from there may be so far apart, as a part of the dispatch.
DRAYAGE_LEEWAY = Decimal("0.05")

# The catalogue is a table: one rule, one to four lines.
# fmt: off
FILE_RULES = (
    Rule("S001", MUST, FILE, "文件是空的，没有任何内容。", "请重新导出，确认有内容后再上传。"),
    Rule("S002", MUST, FILE, "文件太大（{value}），超过{known}的上限。", "请按月份拆成几个文件后分别上传。",
         general="文件太大，超过大小或行数的上限。"),
    Rule("S003", MUST, FILE, "这是{value}，不是可读的表格。", "请{known}，再上传。",
         general="文件不是可读的表格。", general_do="请用 Excel 或 WPS 打开原表，另存为 .xlsx 或 CSV 后再上传。"),
    Rule("S004", MUST, FILE, "工作簿设有打开密码，无法读取。",
         "请在 Excel 中取消密码（文件—信息—保护工作簿），保存后再上传。"),
    Rule("S005", MUST, FILE, "工作簿已损坏，无法打开。",
         "请用 Excel 或 WPS 打开原表，确认能看到内容后另存为 .xlsx 再上传。"),
    Rule("S006", MUST, FILE, "{place}有无法识别的字节（{value}），文字编码不完整。",
         "请重新填写{place}，另存为“CSV UTF-8”或 .xlsx 后再上传。",
         general="文件里有无法识别的字节，文字编码不完整。",
         general_do="请重新填写所指的单元格，另存为“CSV UTF-8”或 .xlsx 后再上传。"),
    Rule("S007", MUST, FILE, "{place}的内容过长（超过{known}个字）。",
         "请检查{place}是否缺少右引号或粘贴了多余内容，改正后再上传。",
         general="单元格的内容过长。", general_do="请检查是否缺少右引号或粘贴了多余内容，改正后再上传。"),
    Rule("S008", MUST, FILE, "表格有{value}列，超过{known}列的上限。", "请只保留需要的列后再上传。",
         general="表格的列数超过上限。"),
    Rule("S009", MUST, FILE, "检查所需的时间或内存超过限制，已停止。", "请把文件按月份拆小后分别上传。"),
    Rule("S010", NOTE, FILE, "文件编码为{value}，已按此读取。", "请抽看一行中文，显示正常则无须处理。",
         general="文件不是 UTF-8 编码，已按识别出的编码读取。"),
    Rule("S011", NOTE, FILE, "工作簿写法特殊，没有检查隐藏行和公式错误，错误单元格按空白读取。",
         "请确认没有错误单元格，或另存为 CSV 后上传。"),
)

STRUCTURE_RULES = (
    Rule("S101", MUST, STRUCTURE, "没有“{column}”列。",
         "请在表头补上“{column}”列并逐行填写；月份、代码、名称也可在表头上方各写一次。",
         general="缺少必填的列。",
         general_do="请在表头补上缺少的列并逐行填写；月份、代码、名称也可在表头上方各写一次。"),
    Rule("S102", NOTE, STRUCTURE, "{place}起有{value}行被隐藏，已一并读取。",
         "请在 Excel 中取消隐藏并核对这些行，不需要的请删除。",
         general="有行被隐藏，已一并读取。"),
    Rule("S103", NOTE, STRUCTURE, "隐藏的工作表“{value}”没有读取。",
         "如其中有应报数据，请取消隐藏并移到要读取的工作表；否则无须处理。",
         general="隐藏的工作表没有读取。"),
    Rule("S104", NOTE, STRUCTURE, "工作表“{value}”没有读取，其中没有所需的表。",
         "如其中有应报数据，请移到要读取的工作表；否则无须处理。",
         general="有工作表没有读取，其中没有所需的表。"),
    Rule("S105", EXPLAIN, STRUCTURE, "工作表“{value}”的表头与所读工作表相同，没有读取。",
         "请把工作表“{value}”单独存为一个文件上传，或说明不需报送的原因。",
         general="另有工作表的表头与所读工作表相同，没有读取。",
         general_do="请把该工作表单独存为一个文件上传，或说明不需报送的原因。"),
    Rule("S106", MUST, STRUCTURE, "{place}是合并单元格，一个数不能算作几行。",
         "请取消{place}的合并，逐行填写。"),
    Rule("S107", MUST, STRUCTURE, "{place}的内容多于表头的列数。",
         "请检查{place}是否多了分隔符，使内容与表头对齐。"),
    Rule("S108", NOTE, STRUCTURE, "“{column}”列不在月报之内，没有读取。",
         "如这一列应报，请按模板改列名“{column}”；否则无须处理。",
         general="有月报之外的列，没有读取。", general_do="如这一列应报，请按模板改列名；否则无须处理。"),
    Rule("S109", MUST, STRUCTURE, "“{column}”列出现了不止一次。", "请只保留一个“{column}”列。",
         general="同一列出现了不止一次。", general_do="请只保留一列。"),
    Rule("S110", NOTE, STRUCTURE, "“{column}”列按“{known}”读取。", "如不是“{known}”，请按模板改列名“{column}”。",
         general="列名与模板不同，按相近的列读取。", general_do="如读得不对，请按模板改列名。"),
    Rule("S111", MUST, STRUCTURE, "表中没有数据行。",
         "请填写货流；当月没有运量的，填一行月份、代码、名称，并在备注写“零申报”。"),
    Rule("S112", EXPLAIN, STRUCTURE, "“{column}”列以万吨计，月报应以吨计，答复前不计入。",
         "请把“{column}”列换算成吨并改名为“运量吨”后重新上传；或在填报页答复确以万吨计，由系统换算。",
         general="运量列以万吨计，月报应以吨计，答复前不计入。",
         general_do="请把这一列换算成吨并改名为“运量吨”后重新上传；或在填报页答复确以万吨计，由系统换算。"),
    Rule("S113", NOTE, STRUCTURE, "{place}是表尾说明，没有作为数据。", "请确认{place}不是货流；是则补全各列。"),
    Rule("S114", NOTE, STRUCTURE, "按导入对照的取行条件，有{value}行没有读取。",
         "请核对导入对照的 where 条件。",
         general="有行不符合导入对照的取行条件，没有读取。"),
    Rule("S116", MUST, STRUCTURE, "没有找到月报的表头：{place}是“{value}”，没有货类、运量等列。",
         "请下载月报模板，把数据填到模板的各列后再上传。",
         general="没有找到月报的表头。"),
    Rule("S117", NOTE, STRUCTURE, "{place}的标题或名称写着“{value}”，没有作为月份读取。",
         "如是所报的月份，请在表头上方单独写一行“月份：{known}”。", since=VERSION,
         general="标题或名称里写着月份，没有作为月份读取。",
         general_do="如是所报的月份，请在表头上方单独写一行月份，如“月份：2025-03”。"),
    Rule("S118", EXPLAIN, STRUCTURE, "{place}写着“{value}”，而“{known}”列写明以吨计，按吨读取。",
         "请核对“{known}”列的单位，按吨填写，并改正{place}；确是以吨计的，请说明。", since=VERSION,
         general="表头上方写着万吨或公斤，而运量列写明以吨计，按吨读取。",
         general_do="请核对运量列的单位，按吨填写，并改正表头上方的字；确是以吨计的，请说明。"),
    Rule("S119", NOTE, STRUCTURE, "{place}是重复的表头，没有作为数据。", "请确认{place}不是货流；是则改填各列。",
         since=VERSION),
    Rule("S122", NOTE, STRUCTURE, "“{column}”列被隐藏，已一并读取。",
         "请在 Excel 中取消隐藏并核对“{column}”列，不需要的请删除。", since=VERSION,
         general="有列被隐藏，已一并读取。", general_do="请在 Excel 中取消隐藏并核对该列，不需要的请删除。"),
    Rule("S120", MUST, STRUCTURE, "文件没有导入对照所指的“{column}”列。",
         "请核对导入对照中“{column}”的写法，或换用对应的文件。",
         general="文件没有导入对照所指的列。", general_do="请核对导入对照中列的写法，或换用对应的文件。"),
    Rule("S121", MUST, STRUCTURE, "导入对照无法读取：{value}。", "请按说明改正导入对照（TOML）后重试。",
         general="导入对照无法读取。"),
)

VALUE_RULES = (
    Rule("V001", MUST, VALUE, "{place}没有填写。", "请填写{place}。",
         ("commodity", "direction", "mode", "origin", "destination", "tonnes"),
         "{f}_reading = 'blank' AND NOT is_zero"),
    # 认定里程 stands in for an empty distance.
    Rule("V002", MUST, VALUE, "{place}没有填写。", "请填写{place}，单位为公里。", ("distance_km",),
         "distance_km_reading = 'blank' AND NOT is_zero AND od_distance_km IS NULL"),
    Rule("V003", MUST, VALUE, "{place}没有填写，不知是哪个月。", "请在{place}填写月份，如 2025-03。", ("month",),
         reading=w.BLANK),
    Rule("V004", MUST, VALUE, "{place}是 Excel 的错误值或没有计算的公式（{value}）。",
         "请在 Excel 中改正{place}的公式，或直接填写结果。", ALL_FIELDS, reading=w.ERROR),
    Rule("V005", MUST, VALUE, "{place}含有看不见的控制字符。", "请清空{place}后重新手工填写。", ALL_FIELDS,
         reading=w.CONTROL),
    Rule("V006", MUST, VALUE, "{place}的“{value}”不是数。", "请在{place}只填阿拉伯数字，如 1234.5。", NUMBERS,
         reading=w.UNKNOWN),
    Rule("V007", MUST, VALUE, "{place}是负数（{value}）。",
         "请在{place}填写不小于零的数；冲减以前月份请报更正。", NUMBERS, reading=w.NEGATIVE),
    Rule("V008", MUST, VALUE, "{place}的“{value}”小数超过三位。", "请把{place}按磅单或运单填到千克（三位小数）以内。",
         ("tonnes",), reading=w.DECIMALS),
    Rule("V009", MUST, VALUE, "{place}的“{value}”小数位数过多。",
         "请改正{place}：运距不超过九位小数，箱数、车数为整数。",
         ("distance_km", "boxes", "vehicles"), reading=w.DECIMALS),
    Rule("V010", MUST, VALUE, "{place}的“{value}”不是月份。", "请在{place}按 2025-03 的写法填写月份。", ("month",),
         reading=w.UNKNOWN),
    Rule("V011", MUST, VALUE, "{place}的“{value}”分不清是1月还是10月。",
         "请在{place}写成 2023-01 或 2023-10 的样子。", ("month",), reading=w.AMBIGUOUS),
    Rule("V012", MUST, VALUE, "{place}的“{value}”晚于本月。", "请在{place}填写已经到来的月份。", ("month",),
         "month > this_month"),
    Rule("V013", MUST, VALUE, "{place}的“{value}”不在可选的名称之内。", "请在{place}从模板的下拉清单中选填。", LISTS,
         reading=w.UNKNOWN),
    Rule("V021", NOTE, VALUE, "{place}的“{value}”含全角字符、空格或引号，按“{known}”读取。",
         "请核对{place}；读得不对请改为半角。", (*KEYS, *LISTS, *NUMBERS), reading=w.WIDTH, known="{f}::VARCHAR"),
    Rule("V022", NOTE, VALUE, "{place}的“{value}”按“{known}”读取。", "请核对{place}；读得不对请改为 2025-03 的写法。",
         ("month",), reading=w.FORM, known="strftime(month, '%Y-%m')"),
    Rule("V023", NOTE, VALUE, "{place}的“{value}”按“{known}”读取。", "请核对{place}；读得不对请改填标准名称。",
         (*LISTS, *PLACES), reading=w.ALIAS, known="{f}"),
    Rule("V024", NOTE, VALUE, "{place}的“{value}”带分隔符，按“{known}”读取。", "请核对{place}；读得不对请去掉分隔符。",
         NUMBERS, reading=w.SEPARATOR, known="{f}::VARCHAR"),
    Rule("V025", NOTE, VALUE, "{place}的“{value}”带单位，按“{known}”读取。", "请核对{place}；读得不对请只填数字。",
         NUMBERS, reading=w.UNIT, known="{f}::VARCHAR", since=VERSION),
    Rule("V026", MUST, VALUE, "{place}的“{value}”以万为单位，不能直接读取。",
         "请把{place}换算成吨（运距为公里），只填数字，如 12000。", NUMBERS, reading=w.TEN_THOUSAND, since=VERSION),
)

IDENTITY_RULES = (
    Rule("I001", MUST, IDENTITY, "{place}没有填写，不知是哪个单位。", "请填写{place}。", ("uscc",),
         "unit_problem = 'blank'"),
    Rule("I002", MUST, IDENTITY, "{place}的代码被 Excel 变成了数（{value}），末几位已丢失。",
         "请把{place}设为文本格式，重新填写18位代码。", ("uscc",), reading=w.EXCEL),
    Rule("I003", MUST, IDENTITY, "{place}的“{value}”不是有效的统一社会信用代码（18位，末位为校验码）。",
         "请对照营业执照改正{place}。", ("uscc",), reading=w.CHECK),
    Rule("I004", MUST, IDENTITY, "{place}的“{value}”不在名录中。",
         "请核对{place}；代码无误的，请联系市交通运输局登记。", ("uscc",), "unit_problem = 'unregistered'"),
    Rule("I005", MUST, IDENTITY, "{place}的代码下有几个填报单位，不知是哪一个。",
         "请填写{place}，可填：{known}。", ("unit_code",), "unit_problem = 'several'", known="unit_known",
         general="代码下有几个填报单位，不知是哪一个。", general_do="请填写{place}，从名录登记的单位编码中选一个。"),
    Rule("I006", MUST, IDENTITY, "{place}的“{value}”不是这个信用代码的填报单位。",
         "请改正{place}，可填：{known}。", ("unit_code",), "unit_problem = 'mismatch'", known="unit_known",
         general="{place}不是这个信用代码的填报单位。", general_do="请改正{place}，从名录登记的单位编码中选一个。"),
    Rule("I007", EXPLAIN, IDENTITY, "{place}的“{value}”与名录中的“{known}”不同。",
         "请改正{place}；已更名的请说明。", ("enterprise_name",), "name_problem = 'differs'", known="registered_name",
         general="{place}与名录中的名称不同。"),
    Rule("I008", EXPLAIN, IDENTITY, "{place}没有填写，名录中为“{known}”。", "请填写{place}，或说明原因。",
         ("enterprise_name",), "name_problem = 'blank'", known="registered_name",
         general="{place}没有填写。"),
    Rule("I009", MUST, IDENTITY, "{place}不是您所在的单位。",
         "请核对{place}，只报本单位的月报，其他单位的由其自行上传。", ("uscc",),
         "is_foreign_unit"),
)

CONSISTENCY_RULES = (
    Rule("C001", MUST, CONSISTENCY, "{place}的“{value}”不能作短驳。",
         "请把{place}改为公路、公路（新能源）或皮带廊道；不是短驳的，“短驳”填“否”。", ("mode",),
         "is_drayage AND mode NOT IN ('公路', '公路（新能源）', '皮带廊道')", source=PLAN_5),
    Rule("C002", MUST, CONSISTENCY, "{place}的“{value}”不是已知的车站或园区，短驳须填换装站。",
         "请在{place}填写车站或已登记的物流园区；不是短驳的，“短驳”填“否”。", ("transfer_station",),
         "is_drayage AND NOT is_known_transfer", source=PLAN_5),
    Rule("C003", MUST, CONSISTENCY, "{place}的“{value}”公里超过短驳的上限（{known}公里）。",
         "请核对{place}；不是短驳的，“短驳”填“否”。", ("distance_km",),
         "is_drayage AND coalesce(od_distance_km, distance_km) > drayage_limit_km", known="drayage_limit_km::VARCHAR",
         source=PLAN_5),
    Rule("C004", MUST, CONSISTENCY, "{place}的“{value}”不是所报的月份（{known}）。",
         "请改正{place}，或改选所报的月份。",
         ("month",), "month <> expected_month", known="strftime(expected_month, '%Y-%m')",
         general="{place}不是所报的月份。"),
    Rule("C005", EXPLAIN, CONSISTENCY, "{place}与第{known}行重复（各列完全相同），已照计。",
         "请删除重复的行；确是两批货的，请说明。",
         general="有两行各列完全相同，已照计。"),
    Rule("C006", NOTE, CONSISTENCY, "{place}是合计行，没有计入。", "请确认{place}不是货流；是则改填货类。"),
    Rule("C007", EXPLAIN, CONSISTENCY, "{place}的合计“{value}”与各行之和{known}不同。",
         "请核对各行运量与{place}，改正不对的一处，或说明原因。",
         general="合计与各行之和不同。", general_do="请核对各行运量与合计，改正不对的一处，或说明原因。"),
    Rule("C008", EXPLAIN, CONSISTENCY, "{place}写了“零申报”，但同行有运量{known}吨。",
         "请删去{place}的“零申报”，或把运量改为0。", ("note",), "is_zero_word AND tonnes > 0", known="tonnes::VARCHAR",
         general="备注写了“零申报”，但同行有运量。"),
    Rule("C009", EXPLAIN, CONSISTENCY, "{place}写了“零申报”，但同一单位同一月另有货流。",
         "请删去{place}所在的行，或说明原因。"),
    Rule("C010", EXPLAIN, CONSISTENCY, "{place}的“{value}”与认定里程{known}公里不同，按认定里程计。",
         "请改填认定里程，或在说明中写明{place}的依据。", ("distance_km",), "distance_km <> od_distance_km",
         known="od_distance_km::VARCHAR", source="认定里程表",
         general="{place}与认定里程不同，按认定里程计。"),
    Rule("C011", EXPLAIN, CONSISTENCY, "{place}无法由起讫点推定，按“其他”计。", "请填写{place}，或说明不属任何通道。",
         ("corridor",), "NOT is_zero AND derived_corridor = '其他' AND corridor_reading <> 'unknown'"),
    Rule("C012", EXPLAIN, CONSISTENCY, "{place}的皮带廊道运距{value}公里超过{known}公里。",
         "请核对{place}和运输方式，或说明原因。", ("distance_km",),
         "mode = '皮带廊道' AND distance_km > belt_limit_km", known="belt_limit_km::VARCHAR"),
)

PLAUSIBILITY_RULES = (
    Rule("H001", EXPLAIN, PLAUSIBILITY, "{place}的“{value}”过大，{known}。",
         "请核对{place}的单位（吨/万吨），按吨填写；确有这么多的，请说明原因。", since=VERSION,
         general=f"{{place}}为同一货流以前月份的{UNIT_SLIP}倍以上，像是单位有误。"),
    Rule("H002", EXPLAIN, PLAUSIBILITY, "{place}的“{value}”过小，{known}。",
         "请核对{place}的单位（吨/万吨），按吨填写；确实这么少的，请说明原因。", since=VERSION,
         general=f"{{place}}不到同一货流以前月份的{UNIT_SLIP}分之一，像是单位有误。"),
    Rule("H003", EXPLAIN, PLAUSIBILITY, "{place}所在月份的{known}。", "请核对单位（吨/万吨）或说明原因。",
         since=VERSION,
         general="一种运输方式的当月运量比往年同月和最近几个月都多得多。"),
    Rule("H004", EXPLAIN, PLAUSIBILITY, "{place}所在月份的{known}。", "请核对单位（吨/万吨）和有无漏填，或说明原因。",
         since=VERSION,
         general="一种运输方式的当月运量比往年同月和最近几个月都少得多。"),
    Rule("H005", EXPLAIN, PLAUSIBILITY, "{place}所在月份没有填报：{known}。", "请核对有无漏填；确实没有的，请说明。",
         since=VERSION,
         general="往年同月和最近几个月都有的一种运输方式，本月没有填报。"),
    Rule("P001", EXPLAIN, PLAUSIBILITY, "{place}所在月份的{known}。",
         "请核对铁路运量；专用线已扩能或另有装车站的，请说明。", source=PLAN_5, since=VERSION,
         general=f"当月铁路运量超过专用线设计能力月均值的{CAPACITY_LEEWAY}倍。"),
    Rule("P002", EXPLAIN, PLAUSIBILITY, f"{{place}}所在月份{{known}}，相差超过{DRAYAGE_LEEWAY:.0%}。",
         "请核对短驳和铁路发运的运量；有库存的，请说明原因。", source=PLAN_5, since=VERSION,
         general=f"短驳到车站的运量与本单位由该站铁路发运的运量相差超过{DRAYAGE_LEEWAY:.0%}。"),
)

# fmt: on
RULES: tuple[Rule, ...] = (
    *FILE_RULES,
    *STRUCTURE_RULES,
    *VALUE_RULES,
    *IDENTITY_RULES,
    *CONSISTENCY_RULES,
    *PLAUSIBILITY_RULES,
)  # fmt: skip
BY_CODE = {rule.code: rule for rule in RULES}


def place_of(sheet: str | None, row: int | None, column: str | None) -> str:
    """Where, in words: 工作表“1月”第12行“运量吨”列. Without any place: 文件."""
    words = (
        (f"工作表“{sheet}”" if sheet else "")
        + (f"第{row}行" if row else "")
        + (f"“{column}”列" if column else "")
    )
    return words or "文件"


def finding(
    code: str,
    *,
    sheet: str | None = None,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
    known: str | None = None,
) -> Finding:
    """The finding that rule `code` makes at a place. Errors: KeyError for an unknown code."""
    rule = BY_CODE[code]
    names = {
        "value": value or "", "known": known or "", "column": column or "", "place": place_of(sheet, row, column),
    }  # fmt: skip
    return Finding(
        code, rule.severity, sheet, row, column, value, rule.what.format(**names), rule.do.format(**names)
    )


def refusal(
    code: str,
    *,
    sheet: str | None = None,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
    known: str | None = None,
) -> Refusal:
    """The refusal that rule `code` makes; the same words as `finding`."""
    return Refusal(finding(code, sheet=sheet, row=row, column=column, value=value, known=known))
