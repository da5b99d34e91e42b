-- Who is in each indicator's population in each month, and why not.
-- grain: indicator × month × unit. Only the unit decides here; the goods are decided by sql/flow/*.sql.
-- reason: the first condition that is not met, in the order of the clause. Clauses （二）（五）.
create table out_population as
with tests as (
    select
        dim_indicator.indicator,
        dim_unit_month.month,
        dim_unit_month.unit_code,
        dim_unit_month.county_code,
        dim_unit_month.is_expected,
        case
            when not dim_unit_month.is_active then '停产'
            when dim_indicator.needs_mine and dim_unit_month.kind <> '工矿企业' then '非工矿企业'
            when dim_indicator.needs_mine and not dim_unit_month.is_large then '未列入大型工矿企业名录'
            when dim_indicator.needs_coal_area and not dim_unit_month.is_coal_area then '所在县区未认定为煤炭主产区'
            when dim_indicator.needs_large_or_new and not dim_unit_month.is_large_or_new
                then '非大型工矿企业或新建物流园区'
            when dim_indicator.needs_spur and not dim_unit_month.has_access then '当月未接入专用线'
        end as failed
    from dim_unit_month
    cross join dim_indicator
)

select
    indicator,
    month,
    unit_code,
    county_code,
    is_expected,
    failed is null as is_member,
    coalesce(failed, '在考核范围') as reason
from tests
