-- 短距离清洁占比: (belt + new-energy road) ÷ all modes but rail of bulk goods under the bureau's short distance. No target.
select
    'C2' as indicator,
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
    case when is_belt or (is_road and is_clean) then tonnes else 0 end as numerator_tonnes,
    tonnes as denominator_tonnes,
    case when is_road then tonnes else 0 end as road_tonnes
from cube
where is_bulk and distance_band = '短' and not is_drayage and not is_rail
