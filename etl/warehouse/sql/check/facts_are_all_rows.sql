-- 明细行数与已通过的月报不符
select count(*) as violations
from (select count(*) as movements from fact_movement) as facts
cross join (select coalesce(sum(row_count), 0) as movements from in_submission) as submissions
where facts.movements <> submissions.movements
