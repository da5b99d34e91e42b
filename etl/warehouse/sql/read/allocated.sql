-- The target allocated to one object for a year (分解目标).
-- grain: one row or none. Units: as the target's unit.
select value, unit, responsible, basis
from in_target
where year = $year and indicator = $indicator and object_type = $object_type and object = $object
