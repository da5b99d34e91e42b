-- 同一单位同一月份有多份月报
select count(*) as violations
from (
    select month, unit_code
    from fact_report
    group by month, unit_code
    having count(*) > 1
) as repeated
