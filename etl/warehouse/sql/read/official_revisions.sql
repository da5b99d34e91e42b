-- Where a published value was replaced by another: the revisions log.
-- grain: publication day × month × mode × caliber × 期别. Units: 万吨. The first value of a month is no revision,
-- neither is a higher status with the same value.
with told as (
    select
        known_from as published_on,
        month,
        mode,
        object_type,
        object,
        commodity,
        period_kind,
        caliber,
        value,
        status,
        lag(value) over same_value as value_before,
        lag(status) over same_value as status_before
    from official_known
    where object_type = $object_type and object = $object and commodity = $commodity
    window same_value as (
        partition by month, mode, object_type, object, commodity, period_kind, caliber order by known_from
    )
)

select
    told.published_on,
    told.month,
    told.mode,
    told.period_kind,
    told.caliber,
    told.value_before,
    told.status_before,
    told.value,
    told.status,
    string_agg(distinct official_standing.source, '、' order by official_standing.source) as source,
    coalesce(bool_and(official_standing.is_public), false) as is_public
from told
left join official_standing
    on
        told.published_on = official_standing.known_from
        and told.published_on = official_standing.published_on
        and told.month = official_standing.month
        and told.mode = official_standing.mode
        and told.object_type = official_standing.object_type
        and told.object = official_standing.object
        and told.commodity = official_standing.commodity
        and told.period_kind = official_standing.period_kind
        and told.caliber = official_standing.caliber
where
    told.value_before is not null
    and told.value is distinct from told.value_before
    and told.month between $first and $last
group by all
order by told.published_on desc, told.mode desc, told.caliber asc, told.month asc, told.period_kind asc
