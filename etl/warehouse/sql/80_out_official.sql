-- The official value in force of each month: highest status, then the latest publication, then the latest entry.
-- grain: month × mode × object × commodity × 期别 × caliber. Units: 万吨. All vintages stay in in_official.
-- Rows without 运营主体 are the total; else the operators are summed, known only if each one of that year is there.
create table out_official as
with ranked as (
    select
        in_official.*,
        row_number() over (
            partition by month, mode, object_type, object, commodity, period_kind, caliber, operator
            order by
                case status when '年报核定' then 3 when '月报确报' then 2 else 1 end desc,
                published_on desc,
                recorded_at desc
        ) as recency
    from in_official
),

winners as (
    select * from ranked where recency = 1
),

yearly as (
    select
        year(month) as year,
        mode,
        object_type,
        object,
        commodity,
        period_kind,
        caliber,
        count(distinct operator) as operators
    from winners
    where operator <> ''
    group by year(month), mode, object_type, object, commodity, period_kind, caliber
),

monthly as (
    select
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
    from winners
    group by month, mode, object_type, object, commodity, period_kind, caliber
)

select
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
        year(monthly.month) = yearly.year
        and monthly.mode = yearly.mode
        and monthly.object_type = yearly.object_type
        and monthly.object = yearly.object
        and monthly.commodity = yearly.commodity
        and monthly.period_kind = yearly.period_kind
        and monthly.caliber = yearly.caliber
