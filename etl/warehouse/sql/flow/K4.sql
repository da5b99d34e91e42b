-- Yearly bulk tonnes for the bound of 150万吨: all modes, drayage left out. Clause （五）.
select
    'K4' as indicator,
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
where is_bulk and not is_drayage
