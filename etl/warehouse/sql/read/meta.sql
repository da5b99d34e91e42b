-- What this version is: the day it describes, the plan in force, whether it is a demonstration.
-- grain: one row.
select * from meta
