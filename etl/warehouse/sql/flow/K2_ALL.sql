-- K2 without the county flag (全市口径（参考）): the same goods; the members differ. Clause （二）.
select
    'K2_ALL' as indicator,
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
where is_coal_coke and distance_band = '长' and not is_drayage
