-- 500公里以上集装箱铁路占比: rail ÷ all modes of goods in boxes from 500 km up. Clause （二）, 以铁路为主.
select
    'K6' as indicator,
    month,
    unit_code,
    county_code,
    corridor,
    commodity,
    direction,
    mode,
    distance_band,
    loading,
    is_drayage,
    counted_once,
    case when is_rail then tonnes else 0 end as numerator_tonnes,
    tonnes as denominator_tonnes,
    case when is_road then tonnes else 0 end as road_tonnes
from cube
where loading in ('敞顶箱', '集装箱') and distance_band = '长' and not is_drayage
