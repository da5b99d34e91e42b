-- The month with the highest official rail total ever published for the city, up to a month.
-- grain: one row or none. Units: 万吨.
select
    month,
    value
from out_official
where
    mode = '铁路' and commodity = '合计' and object_type = '全市' and period_kind = '当期'
    and caliber = $caliber and value is not null and month <= $last
order by value desc, month asc
limit 1
