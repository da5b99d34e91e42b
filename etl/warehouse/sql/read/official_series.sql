-- The official values in force of one object and commodity, month by month, rail and road alike.
-- grain: month × mode × caliber × 期别. Units: 万吨; NULL = not every operator has published. Never to be added up.
select
    month,
    mode,
    caliber,
    period_kind,
    value,
    status,
    published_on,
    is_public
from out_official
where
    object_type = $object_type
    and object = $object
    and commodity = $commodity
    and month between $first and $last
order by mode desc, caliber asc, month asc, period_kind asc
