-- Every indicator's goods in one view, with whether the unit belongs to its population that month.
-- grain: the cube's, once for each indicator that the row's goods belong to. indicator_flow is the union of sql/flow/.
create view flow as
select
    indicator_flow.*,
    coalesce(out_population.is_member, false) as is_member
from indicator_flow
left join out_population
    on
        indicator_flow.indicator = out_population.indicator
        and indicator_flow.month = out_population.month
        and indicator_flow.unit_code = out_population.unit_code
