-- The official values of the whole city that may be published: marked as public, confirmed, the newest of them.
-- grain: month × mode × 货类 × 期别 × caliber. Units: 万吨. The 公开版 asks nothing else of the official series.
-- Of several operators the sum, where each one's value may be published; else the month is not in it.
with city as (
    select *
    from in_official
    where object_type = '全市' and month between $first and $last
),

-- Who publishes a series, whether the public may read it or not: a part of the operators is no total.
operators as (
    select
        year(month) as year,
        mode,
        commodity,
        period_kind,
        caliber,
        count(distinct operator) as operators
    from city
    where operator <> ''
    group by year(month), mode, commodity, period_kind, caliber
),

ranked as (
    select
        city.*,
        row_number() over (
            partition by month, mode, commodity, period_kind, caliber, operator
            order by case status when '年报核定' then 2 else 1 end desc, published_on desc, recorded_at desc
        ) as recency
    from city
    where is_public and status in ('月报确报', '年报核定')
),

standing as (
    select
        month,
        mode,
        commodity,
        period_kind,
        caliber,
        max(case when operator = '' then value end) as total,
        sum(case when operator <> '' then value end) as summed,
        count(distinct case when operator <> '' then operator end) as known,
        min(case status when '年报核定' then 2 else 1 end) as status_rank,
        max(published_on) as published_on,
        string_agg(distinct source, '、' order by source) as source
    from ranked
    where recency = 1
    group by month, mode, commodity, period_kind, caliber
)

select
    standing.month,
    standing.mode,
    standing.commodity,
    standing.period_kind,
    standing.caliber,
    coalesce(standing.total, standing.summed) as value,
    case standing.status_rank when 2 then '年报核定' else '月报确报' end as status,
    standing.source,
    standing.published_on
from standing
left join operators
    on
        year(standing.month) = operators.year
        and standing.mode = operators.mode
        and standing.commodity = operators.commodity
        and standing.period_kind = operators.period_kind
        and standing.caliber = operators.caliber
where standing.total is not null or standing.known = operators.operators
order by standing.mode desc, standing.caliber asc, standing.commodity asc, standing.month asc, standing.period_kind asc
