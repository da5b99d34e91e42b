-- What each unit is in each month: the registry row in force on the month's last day, its spur, its county's flag.
-- grain: month × unit, for units with a row in force. is_active: 停产 counts as nothing.
-- is_expected: a return is due (应报) and the month is over. Source: DECISIONS.md 1, 2, 7, 8.
create table dim_unit_month as
with candidates as (
    select
        dim_month.month,
        dim_month.is_complete,
        in_registry.*,
        row_number() over (
            partition by dim_month.month, in_registry.unit_code
            order by coalesce(in_registry.valid_from, date '0001-01-01') desc
        ) as recency
    from dim_month
    inner join in_registry
        on coalesce(in_registry.valid_from, date '0001-01-01') <= dim_month.last_day
),

access as (
    select
        month,
        unit_code,
        bool_or(has_access) as has_access,
        bool_or(is_under_way) as is_under_way,
        min(case
            when not has_access then 9
            when relation = '自有' then 1
            when relation = '共用' then 2
            when relation = '租用' then 3
        end) as relation_rank
    from dim_spur_access
    group by month, unit_code
),

coal_area as (
    select distinct
        dim_month.month,
        dim_coal_area.county_code
    from dim_month
    inner join dim_coal_area
        on
            dim_month.month >= coalesce(dim_coal_area.valid_from, date '0001-01-01')
            and dim_month.month <= coalesce(dim_coal_area.valid_to, date '9999-12-01')
)

select
    candidates.month,
    candidates.unit_code,
    candidates.uscc,
    candidates.name,
    candidates.county_code,
    candidates.kind,
    candidates.industry,
    candidates.group_name,
    candidates.is_large,
    candidates.large_basis,
    candidates.is_new,
    candidates.in_catalogue,
    candidates.approved_tonnes,
    candidates.period_basis,
    candidates.production_state,
    candidates.exemption_basis,
    candidates.production_state <> '停产' as is_active,
    (candidates.kind = '工矿企业' and candidates.is_large)
    or (candidates.kind = '物流园区' and candidates.is_new) as is_large_or_new,
    coal_area.county_code is not null as is_coal_area,
    coalesce(access.has_access, false) as has_access,
    case
        when coalesce(access.has_access, false)
            then case access.relation_rank when 1 then '自有' when 2 then '共用' else '租用' end
        when coalesce(access.is_under_way, false) then '在建'
        when candidates.exemption_basis <> '' then '豁免'
        else '未建'
    end as spur,
    candidates.is_complete
    and candidates.production_state <> '停产'
    and candidates.due_from is not null
    and candidates.month >= candidates.due_from
    and (candidates.due_to is null or candidates.month <= candidates.due_to) as is_expected
from candidates
left join access
    on candidates.month = access.month and candidates.unit_code = access.unit_code
left join coal_area
    on candidates.month = coal_area.month and candidates.county_code = coal_area.county_code
where candidates.recency = 1
