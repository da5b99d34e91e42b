-- The unit with most tonnes: what the demonstration's chooser offers as an enterprise, with its county.
-- grain: one row, none without any returns.
select
    grain_unit.unit_code,
    dim_unit_month.county_code,
    dim_unit_month.name
from grain_unit
inner join dim_unit_month
    on grain_unit.unit_code = dim_unit_month.unit_code and grain_unit.month = dim_unit_month.month
where grain_unit.indicator = 'K3'
group by all
order by sum(grain_unit.denominator_tonnes) desc, grain_unit.unit_code
limit 1
