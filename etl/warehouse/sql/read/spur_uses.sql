-- Every line with who uses it, since when that counts, and whether it does in a month.
-- grain: spur × user × 使用起. Units: 万吨 a year. first_month: from which month the use counts as access.
select
    in_spur.spur_code,
    in_spur.spur_name,
    in_spur.kind,
    in_spur.owner,
    in_spur.junction,
    in_spur.corridor,
    in_spur.capacity,
    in_spur.state,
    in_spur.opened_on,
    in_spur.user_code as unit_code,
    in_spur.relation,
    in_spur.use_from,
    in_spur.use_to,
    dim_spur_access.first_month,
    dim_spur_access.has_access,
    dim_unit_month.county_code
from in_spur
left join dim_spur_access
    on
        dim_spur_access.month = $month
        and in_spur.spur_code = dim_spur_access.spur_code
        and in_spur.user_code = dim_spur_access.unit_code
        and in_spur.use_from is not distinct from dim_spur_access.use_from
left join dim_unit_month
    on dim_unit_month.month = $month and in_spur.user_code = dim_unit_month.unit_code
order by in_spur.spur_code, in_spur.use_from nulls first, in_spur.user_code
