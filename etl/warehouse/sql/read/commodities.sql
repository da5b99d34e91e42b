-- The commodities that occur, in declared order.
-- grain: commodity.
select dim_commodity.commodity
from dim_commodity
where dim_commodity.commodity in (select commodity from cube)
order by dim_commodity.position
