-- Where sql/read/ takes tonnes from, in one shape: `place` is the collective, `unit` a unit's own,
-- `flow` and `once` the same by any mix of keys.
-- grain: as the named grain; a key that a grain does not have is NULL.
create view measure as
select
    'place' as grain,
    indicator,
    month,
    cast(null as varchar) as unit_code,
    county_code,
    corridor,
    commodity,
    direction,
    numerator_tonnes,
    denominator_tonnes,
    road_tonnes,
    left_out_tonnes
from grain_place
union all
select
    'unit' as grain,
    indicator,
    month,
    unit_code,
    county_code,
    null as corridor,
    null as commodity,
    direction,
    numerator_tonnes,
    denominator_tonnes,
    road_tonnes,
    left_out_tonnes
from grain_unit
union all
select
    'flow' as grain,
    indicator,
    month,
    unit_code,
    county_code,
    corridor,
    commodity,
    direction,
    numerator_tonnes,
    denominator_tonnes,
    road_tonnes,
    0 as left_out_tonnes
from flow
where is_member
union all
select
    'once' as grain,
    indicator,
    month,
    unit_code,
    county_code,
    corridor,
    commodity,
    direction,
    case when counted_once then numerator_tonnes else 0 end as numerator_tonnes,
    case when counted_once then denominator_tonnes else 0 end as denominator_tonnes,
    case when counted_once then road_tonnes else 0 end as road_tonnes,
    case when counted_once then 0 else denominator_tonnes end as left_out_tonnes
from flow
where is_member
