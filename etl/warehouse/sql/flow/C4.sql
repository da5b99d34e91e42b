-- 敞顶箱发运占比: rail tonnes in 敞顶箱 ÷ rail tonnes, dispatch. No target.
select
    'C4' as indicator,
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
    case when loading = '敞顶箱' then tonnes else 0 end as numerator_tonnes,
    tonnes as denominator_tonnes,
    case when is_road then tonnes else 0 end as road_tonnes
from cube
where is_rail and direction = '发运'
