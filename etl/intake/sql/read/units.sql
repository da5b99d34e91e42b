-- The units that the file names and the registry knows.
-- grain: unit.
select distinct unit_code
from word_key
where unit_code is not null
