-- What each accepted month says of each flow.
-- grain: unit × month × mode × direction × commodity; a month without traffic is one row with mode NULL and 0 tonnes.
-- moved may also hold months that were amended since: accepted names the file that counts.
select
    accepted.unit_code,
    accepted.month,
    moved.mode,
    moved.direction,
    moved.commodity,
    coalesce(sum(moved.tonnes), 0)::decimal(38, 3) as tonnes
from accepted
left join moved
    on
        accepted.unit_code = moved.unit_code
        and accepted.month = moved.month
        and accepted.file = moved.file
group by all
order by all
