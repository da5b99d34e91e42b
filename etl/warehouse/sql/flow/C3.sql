-- 新能源短驳占比: new-energy drayage ÷ drayage. No target.
select
    'C3' as indicator,
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
    case when is_road and is_clean then tonnes else 0 end as numerator_tonnes,
    tonnes as denominator_tonnes,
    case when is_road then tonnes else 0 end as road_tonnes
from cube
where is_drayage
