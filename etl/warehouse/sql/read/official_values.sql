-- Every value ever published of one object and commodity, with the one in force marked.
-- grain: one published value. Units: 万吨.
select
    in_official.month,
    in_official.mode,
    in_official.period_kind,
    in_official.caliber,
    in_official.operator,
    in_official.status,
    in_official.value,
    in_official.source,
    in_official.published_on,
    in_official.is_public,
    official_standing.month is not null as is_in_force
from in_official
left join official_standing
    on
        official_standing.known_to is null
        and in_official.month = official_standing.month
        and in_official.mode = official_standing.mode
        and in_official.object_type = official_standing.object_type
        and in_official.object = official_standing.object
        and in_official.commodity = official_standing.commodity
        and in_official.period_kind = official_standing.period_kind
        and in_official.caliber = official_standing.caliber
        and in_official.operator = official_standing.operator
        and in_official.status = official_standing.status
        and in_official.published_on = official_standing.published_on
where
    in_official.object_type = $object_type
    and in_official.object = $object
    and in_official.commodity = $commodity
    and in_official.month between $first and $last
order by
    in_official.month asc,
    in_official.mode desc,
    in_official.caliber asc,
    in_official.operator asc,
    in_official.period_kind asc,
    in_official.published_on asc
