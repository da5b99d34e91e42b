-- The official value in force of each month.
-- grain: month × mode × object × commodity × 期别 × caliber. Units: 万吨.
create table out_official as
select
    month,
    mode,
    object_type,
    object,
    commodity,
    period_kind,
    caliber,
    value,
    status,
    published_on,
    is_public
from official_known
where known_to is null
