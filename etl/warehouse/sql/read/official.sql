-- The official rail total of each object of a type, January to $last: 累计 where it is published for
-- that month, else Σ 当期.
-- grain: object. Units: 万吨. Clause （二）; the caliber is the bureau's switch k1_caliber (DECISIONS.md 14).
-- $known_on: as published by that day.
with rail as (
    select official_known.*
    from official_known
    where
        mode = '铁路' and commodity = '合计' and object_type = $object_type and value is not null
        and known_from <= $known_on and (known_to is null or known_to > $known_on)
),

chosen as (
    select
        rail.object,
        case
            when dim_rule.k1_caliber <> '' then dim_rule.k1_caliber
            -- Several calibers and no ruling: none is chosen, so none gives a value.
            when count(distinct rail.caliber) = 1 then min(rail.caliber)
            else ''
        end as caliber,
        dim_rule.k1_caliber = '' as is_pending,
        dim_rule.k1_caliber = '' and count(distinct rail.caliber) > 1 as is_conflict
    from rail
    cross join dim_rule
    group by rail.object, dim_rule.k1_caliber
),

summed as (
    select
        rail.object,
        sum(rail.value) filter (where rail.period_kind = '当期' and rail.month between $first and $last) as current_sum,
        count(*) filter (where rail.period_kind = '当期' and rail.month between $first and $last) as current_months,
        max(rail.value) filter (where rail.period_kind = '累计' and rail.month = $last) as cumulative,
        bool_or(rail.status = '快报') filter (where rail.month between $first and $last) as is_provisional,
        max(rail.published_on) filter (where rail.month between $first and $last) as published_on
    from rail
    inner join chosen on rail.object = chosen.object and rail.caliber = chosen.caliber
    group by rail.object
)

select
    chosen.object,
    chosen.caliber,
    chosen.is_pending,
    chosen.is_conflict,
    coalesce(summed.cumulative, summed.current_sum) as value,
    summed.cumulative is not null as is_cumulative,
    summed.cumulative is not null or summed.current_months = $months as is_complete,
    coalesce(summed.is_provisional, false) as is_provisional,
    summed.published_on
from chosen
left join summed on chosen.object = summed.object
order by chosen.object
