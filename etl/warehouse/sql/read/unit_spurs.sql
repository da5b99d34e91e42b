-- The spurs that a unit owns or uses.
-- grain: spur × use. Units: 万吨 a year.
select
    spur_name as 专用线,
    kind as 性质,
    junction as 接轨站,
    corridor as 通道,
    capacity as 能力万吨年,
    state as 状态,
    opened_on as 开通日期,
    relation as 使用关系,
    use_from as 使用起,
    use_to as 使用止
from in_spur
where user_code = $unit
order by spur_name, use_from
