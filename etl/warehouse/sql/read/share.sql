-- R, Q and the road tonnes of shares, for a period, a scope and a grouping: the one query behind each share.
-- grain: indicator × object. Parameters: $by city|county|corridor|enterprise|commodity|direction|month;
-- filters are NULL for all; scope lists are NULL for all. Units: tonnes, exact.
select
    indicator,
    case $by
        when 'city' then $area
        when 'county' then county_code
        when 'corridor' then corridor
        when 'enterprise' then unit_code
        when 'commodity' then commodity
        when 'direction' then direction
        when 'month' then strftime(month, '%Y-%m')
    end as object,
    sum(numerator_tonnes) as numerator_tonnes,
    sum(denominator_tonnes) as denominator_tonnes,
    sum(road_tonnes) as road_tonnes,
    sum(left_out_tonnes) as left_out_tonnes
from measure
where
    grain = $grain
    and list_contains($indicators, indicator)
    and month between $first and $last
    and ($county is null or county_code = $county)
    and ($corridor is null or corridor = $corridor)
    and ($commodity is null or commodity = $commodity)
    and ($direction is null or direction = $direction)
    and ($unit is null or unit_code = $unit)
    and ($scope_counties is null or list_contains($scope_counties, county_code))
    and ($scope_units is null or list_contains($scope_units, unit_code))
group by all
order by all
