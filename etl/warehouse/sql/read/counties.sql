-- The counties in the order of 行政区划.
-- grain: county.
select county_code, name, cluster, parent_code from dim_county order by position
