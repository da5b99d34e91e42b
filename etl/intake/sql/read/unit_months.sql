-- What the file reports of whom for when: its unit-months, kept or refused as a whole.
-- grain: unit × shown × month, each of which may be unknown (NULL). Rows, tonnes and content are those of flows;
-- content is the sum of the lines' hashes, so that their order does not matter.
select
    unit_code,
    shown,
    month,
    count(*) filter (not is_zero) as flow_rows,
    coalesce(sum(tonnes) filter (not is_zero), 0) as tonnes,
    coalesce(sum(content) filter (not is_zero), 0)::varchar as content,
    bool_or(is_blocking) as is_blocking
from typed
where is_data
group by all
order by all
