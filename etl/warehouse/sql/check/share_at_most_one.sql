-- 占比的分子大于分母
select count(*) as violations
from grain_unit
where numerator_tonnes > denominator_tonnes or numerator_tonnes < 0
