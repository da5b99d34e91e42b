-- One object's official rail total month by month, 当期 and 累计 side by side and never added to each other.
-- grain: month. Units: 万吨; NULL = not published, never 0.
with rail as (
    select *
    from out_official
    where
        mode = '铁路' and commodity = '合计' and object_type = $object_type and object = $object
        and caliber = $caliber and value is not null
)

select
    dim_month.month,
    max(case when rail.period_kind = '当期' then rail.value end) as value,
    max(case when rail.period_kind = '累计' then rail.value end) as cumulative,
    max(rail.status) as status
from dim_month
left join rail on dim_month.month = rail.month
where dim_month.month between $first and $last
group by dim_month.month
order by dim_month.month
