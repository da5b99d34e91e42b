-- The facts on the keys that the indicators and the filters need.
-- grain: month × unit × county × corridor × commodity × mode × direction × distance band × loading
-- × drayage × counted once.
-- Rows that are in no indicator (未登记, 停产) are here too: a missing month may take them as its reference.
-- tonnes sum to those of fact_movement. Bounds are inclusive: 500.0 km is long.
create table cube as
with typed as (
    select
        fact_movement.month,
        fact_movement.unit_code,
        fact_movement.county_code,
        fact_movement.corridor,
        fact_movement.commodity,
        fact_movement.mode,
        fact_movement.direction,
        fact_movement.loading,
        fact_movement.is_drayage,
        fact_movement.counted_once,
        fact_movement.tonnes,
        case
            when fact_movement.distance_km >= dim_rule.long_distance_km then '长'
            when fact_movement.distance_km < dim_rule.short_distance_km then '短'
            else '中'
        end as distance_band
    from fact_movement
    cross join dim_rule
),

summed as (
    select
        month,
        unit_code,
        county_code,
        corridor,
        commodity,
        mode,
        direction,
        distance_band,
        loading,
        is_drayage,
        counted_once,
        cast(sum(tonnes) as decimal(28, 3)) as tonnes,
        count(*) as movements
    from typed
    group by
        month,
        unit_code,
        county_code,
        corridor,
        commodity,
        mode,
        direction,
        distance_band,
        loading,
        is_drayage,
        counted_once
)

select
    summed.*,
    dim_commodity.is_bulk,
    dim_commodity.is_coal_coke,
    dim_mode.is_rail,
    dim_mode.is_road,
    dim_mode.is_belt,
    dim_mode.is_clean
from summed
inner join dim_commodity on summed.commodity = dim_commodity.commodity
inner join dim_mode on summed.mode = dim_mode.mode
