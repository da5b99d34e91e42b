-- 立方体与明细吨数不符
select count(*) as violations
from (select sum(tonnes) as tonnes from cube) as cubed
cross join (select sum(tonnes) as tonnes from fact_movement) as facts
where coalesce(cubed.tonnes, 0) <> coalesce(facts.tonnes, 0)
