-- Bulk tonnes by mode for each corridor, commodity or month, drayage left out.
-- grain: object × mode. Units: tonnes. A collective counts the same goods once, a unit all its rows.
select
    case $by
        when 'corridor' then corridor
        when 'commodity' then commodity
        when 'month' then strftime(month, '%Y-%m')
    end as object,
    mode,
    sum(tonnes) as tonnes
from cube
where
    is_bulk
    and not is_drayage
    and (not $once or counted_once)
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
