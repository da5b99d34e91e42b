-- The goods behind the sums that are shown to those who may not see single units, the same goods once.
-- grain: month × unit × county × corridor × the sums that the goods are in. Units: tonnes.
-- shares: of each share that counts them, its id and whether they are in its numerator (K3|1) or beside it (K3|0).
-- is_dispatched: rail dispatch, the coverage beside the official total.
with counted as (
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
        list_sort(list(indicator || case when numerator_tonnes > 0 then '|1' else '|0' end)) as shares
    from flow
    where
        is_member
        and counted_once
        and denominator_tonnes > 0
        and list_contains($indicators, indicator)
        and month between $first and $last
    group by month, unit_code, county_code, corridor, commodity, mode, direction, distance_band, loading, is_drayage
)

select
    cube.month,
    cube.unit_code,
    cube.county_code,
    cube.corridor,
    cube.is_rail and cube.direction = '发运' and not cube.is_drayage as is_dispatched,
    counted.shares,
    sum(cube.tonnes) as tonnes
from cube
left join counted
    on
        cube.month = counted.month
        and cube.unit_code = counted.unit_code
        and cube.county_code = counted.county_code
        and cube.corridor = counted.corridor
        and cube.commodity = counted.commodity
        and cube.mode = counted.mode
        and cube.direction = counted.direction
        and cube.distance_band = counted.distance_band
        and cube.loading = counted.loading
        and cube.is_drayage = counted.is_drayage
where cube.counted_once and cube.tonnes > 0 and cube.month between $first and $last
group by all
order by all
