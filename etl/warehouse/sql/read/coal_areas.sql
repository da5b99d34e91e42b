-- The bureau's flags 煤炭主产区; none = not ruled on yet.
-- grain: county × span of months.
select county_code, valid_from, valid_to from dim_coal_area
