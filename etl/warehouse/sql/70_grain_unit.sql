-- The indicators' tonnes by unit and month: the fast answer for a unit or a list of units.
-- grain: indicator × month × unit × direction. A unit's own figures count all its rows.
create table grain_unit as
select
    flow.indicator,
    flow.month,
    flow.unit_code,
    flow.county_code,
    flow.direction,
    cast(sum(flow.numerator_tonnes) as decimal(28, 3)) as numerator_tonnes,
    cast(sum(flow.denominator_tonnes) as decimal(28, 3)) as denominator_tonnes,
    cast(sum(flow.road_tonnes) as decimal(28, 3)) as road_tonnes,
    cast(0 as decimal(28, 3)) as left_out_tonnes
from flow
where flow.is_member
group by flow.indicator, flow.month, flow.unit_code, flow.county_code, flow.direction
