-- The official value of each month as it was known between two publications.
-- grain: known_from × month × mode × object × commodity × 期别 × caliber. Units: 万吨.
-- Rows without 运营主体 are the total; else the operators are summed, known only if each one of that year is there.
create table official_known as
with yearly as (
    select
        known_from,
        year(month) as year,
        mode,
        object_type,
        object,
        commodity,
        period_kind,
        caliber,
        count(distinct operator) as operators
    from official_standing
    where operator <> ''
    group by known_from, year(month), mode, object_type, object, commodity, period_kind, caliber
),

monthly as (
    select
        known_from,
        known_to,
        month,
        mode,
        object_type,
        object,
        commodity,
        period_kind,
        caliber,
        max(case when operator = '' then value end) as total,
        sum(case when operator <> '' then value end) as summed,
        count(distinct case when operator <> '' then operator end) as operators,
        min(case status when '年报核定' then 3 when '月报确报' then 2 else 1 end) as status_rank,
        max(published_on) as published_on,
        bool_and(is_public) as is_public
    from official_standing
    group by known_from, known_to, month, mode, object_type, object, commodity, period_kind, caliber
)

select
    monthly.known_from,
    monthly.known_to,
    monthly.month,
    monthly.mode,
    monthly.object_type,
    monthly.object,
    monthly.commodity,
    monthly.period_kind,
    monthly.caliber,
    cast(coalesce(
        monthly.total,
        case when monthly.operators = yearly.operators then monthly.summed end
    ) as decimal(18, 6)) as value,
    case monthly.status_rank when 3 then '年报核定' when 2 then '月报确报' else '快报' end as status,
    monthly.published_on,
    monthly.is_public
from monthly
left join yearly
    on
        monthly.known_from = yearly.known_from
        and year(monthly.month) = yearly.year
        and monthly.mode = yearly.mode
        and monthly.object_type = yearly.object_type
        and monthly.object = yearly.object
        and monthly.commodity = yearly.commodity
        and monthly.period_kind = yearly.period_kind
        and monthly.caliber = yearly.caliber
