-- The indicators' tonnes by place and month: the fast answer for the city, a county or a corridor.
-- grain: indicator × month × county × corridor × commodity × direction.
-- The same goods count once; what is left out for that is kept beside (对流扣除).
create table grain_place as
select
    flow.indicator,
    flow.month,
    flow.county_code,
    flow.corridor,
    flow.commodity,
    flow.direction,
    cast(sum(case when flow.counted_once then flow.numerator_tonnes else 0 end) as decimal(28, 3))
        as numerator_tonnes,
    cast(sum(case when flow.counted_once then flow.denominator_tonnes else 0 end) as decimal(28, 3))
        as denominator_tonnes,
    cast(sum(case when flow.counted_once then flow.road_tonnes else 0 end) as decimal(28, 3)) as road_tonnes,
    cast(sum(case when flow.counted_once then 0 else flow.denominator_tonnes end) as decimal(28, 3))
        as left_out_tonnes
from flow
where flow.is_member
group by flow.indicator, flow.month, flow.county_code, flow.corridor, flow.commodity, flow.direction
