-- What the rules of the catalogue are asked of: each line with what is given for this check.
-- grain: one line. given is one row: sheet (NULL for text), this_month, expected_month (NULL: any month),
-- drayage_limit_km, belt_limit_km.
create view asked as
select
    stg_row.*,
    given.*
from stg_row
cross join given
