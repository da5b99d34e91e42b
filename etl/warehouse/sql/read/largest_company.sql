-- The company with most reporting units: what the demonstration's chooser offers as one account of several units.
-- grain: unit of that company, none where each company is one unit.
with newest as (
    select
        in_registry.*,
        row_number() over (partition by unit_code order by coalesce(valid_from, date '0001-01-01') desc) as recency
    from in_registry
),

largest as (
    select uscc
    from newest
    where recency = 1
    group by uscc
    having count(*) > 1
    order by count(*) desc, uscc
    limit 1
)

select
    newest.unit_code,
    newest.name
from newest
inner join largest on newest.uscc = largest.uscc
where newest.recency = 1
order by newest.unit_code
