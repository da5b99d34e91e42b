-- Lines whose content stands more than once in the file.
-- grain: one line. What could not be read is not there to be compared.
create table alike as
with comparable as (
    select
        row_no,
        content
    from typed
    where is_data and not is_zero and not is_blocking
),

twice as (
    select content
    from comparable
    group by content
    having count(*) > 1
)

select row_no
from comparable
where content in (select content from twice)
