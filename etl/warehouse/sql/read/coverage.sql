-- Rail tonnes dispatched in the returns, the same goods once: what stands beside the official total as coverage.
-- grain: one row. Units: tonnes.
select sum(cube.tonnes) as tonnes
from cube
inner join out_population
    on
        out_population.indicator = 'K5'
        and cube.month = out_population.month
        and cube.unit_code = out_population.unit_code
        and out_population.is_member
where
    cube.is_rail and cube.direction = '发运' and cube.counted_once and not cube.is_drayage
    and cube.month between $first and $last
