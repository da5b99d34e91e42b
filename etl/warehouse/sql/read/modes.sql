-- The modes in declared order, and what they are.
-- grain: mode.
select mode, is_rail, is_road, is_belt, is_clean from dim_mode order by position
