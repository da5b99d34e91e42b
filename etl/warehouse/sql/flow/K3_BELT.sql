-- K3 as the other ruling on the belt would have it, shown beside. Clause （五）.
select
    'K3_BELT' as indicator,
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
cross join dim_rule
where is_bulk and not is_drayage and (is_rail or is_road or (is_belt and not belt_in_k3))
