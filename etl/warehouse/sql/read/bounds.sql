-- The months that anything is known of.
-- grain: one row.
select
    (select min(month) from fact_report where is_accepted) as first_month,
    (select max(month) from fact_report where is_accepted) as last_month,
    (select min(month) from out_official) as first_official,
    (select max(month) from out_official) as last_official
