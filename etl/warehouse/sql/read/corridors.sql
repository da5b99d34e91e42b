-- The corridors in declared order.
-- grain: corridor.
select corridor, full_name, is_in_plan from dim_corridor order by position
