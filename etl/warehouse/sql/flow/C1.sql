-- 铁路、皮带、新能源合计占比: (rail + belt + new-energy road) ÷ all modes of bulk goods. No target.
select
    'C1' as indicator,
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
    case when is_rail or is_belt or (is_road and is_clean) then tonnes else 0 end as numerator_tonnes,
    tonnes as denominator_tonnes,
    case when is_road then tonnes else 0 end as road_tonnes
from cube
where is_bulk and not is_drayage
