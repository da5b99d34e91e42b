-- Which published official value stood between two publications: highest status, then the latest publication,
-- then the latest entry.
-- grain: known_from × month × mode × object × commodity × 期别 × caliber × operator. Units: 万吨.
-- A span is that of a year's series: from one day on which anything of it was published to the next (known_to,
-- NULL = it still stands), so that each figure can be told as it stood on any day. All vintages stay in in_official.
create table official_standing as
with days as (
    select distinct
        year(month) as year,
        mode,
        object_type,
        object,
        commodity,
        period_kind,
        caliber,
        published_on as known_from
    from in_official
),

spans as (
    select
        days.*,
        lead(known_from) over (
            partition by year, mode, object_type, object, commodity, period_kind, caliber order by known_from
        ) as known_to
    from days
),

ranked as (
    select
        spans.known_from,
        spans.known_to,
        in_official.*,
        row_number() over (
            partition by
                spans.known_from,
                in_official.month,
                in_official.mode,
                in_official.object_type,
                in_official.object,
                in_official.commodity,
                in_official.period_kind,
                in_official.caliber,
                in_official.operator
            order by
                case in_official.status when '年报核定' then 3 when '月报确报' then 2 else 1 end desc,
                in_official.published_on desc,
                in_official.recorded_at desc
        ) as recency
    from spans
    inner join in_official
        on
            spans.year = year(in_official.month)
            and spans.mode = in_official.mode
            and spans.object_type = in_official.object_type
            and spans.object = in_official.object
            and spans.commodity = in_official.commodity
            and spans.period_kind = in_official.period_kind
            and spans.caliber = in_official.caliber
            and spans.known_from >= in_official.published_on
)

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
    operator,
    value,
    status,
    source,
    published_on,
    is_public
from ranked
where recency = 1
