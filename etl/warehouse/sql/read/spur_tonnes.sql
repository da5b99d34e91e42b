-- Rail tonnes of each line's users in the months in which they had access: what stands beside its capacity.
-- grain: spur. Units: tonnes, in and out, all goods. The other end's row of the same goods is left out where both ends
-- use the line. other_lines_tonnes: of months in which the user had other lines too, so that nobody knows which line
-- carried them. line_months: months in which any user had access; complete: those with every user's return.
with access as (
    select distinct
        month,
        spur_code,
        unit_code
    from dim_spur_access
    where has_access and month between $first and $last
),

lines as (
    select
        month,
        unit_code,
        count(*) as lines
    from access
    group by month, unit_code
),

rail as (
    select
        fact_movement.month,
        fact_movement.unit_code,
        case when not fact_movement.counted_once then fact_movement.counterparty_unit end as counted_by,
        sum(fact_movement.tonnes) as tonnes
    from fact_movement
    inner join dim_mode on fact_movement.mode = dim_mode.mode
    where
        dim_mode.is_rail
        and not fact_movement.is_drayage
        and fact_movement.excluded_reason is null
        and fact_movement.month between $first and $last
    group by all
),

carried as (
    select
        access.spur_code,
        access.unit_code,
        access.month,
        lines.lines,
        fact_report.is_accepted or fact_report.state = '停产' as is_known,
        coalesce(sum(case when other.unit_code is null then rail.tonnes else 0 end), 0) as tonnes
    from access
    inner join lines on access.month = lines.month and access.unit_code = lines.unit_code
    inner join fact_report on access.month = fact_report.month and access.unit_code = fact_report.unit_code
    left join rail on access.month = rail.month and access.unit_code = rail.unit_code
    left join access as other
        on access.month = other.month and access.spur_code = other.spur_code and rail.counted_by = other.unit_code
    group by all
),

completed as (
    select
        carried.*,
        bool_and(is_known) over (partition by spur_code, month) as is_complete
    from carried
)

select
    spur_code,
    count(distinct month) as line_months,
    count(distinct case when is_complete then month end) as complete_months,
    sum(tonnes) as rail_tonnes,
    sum(case when is_complete then tonnes else 0 end) as complete_tonnes,
    sum(case when lines > 1 then tonnes else 0 end) as other_lines_tonnes,
    count(*) filter (where is_known) as known_reports,
    count(*) filter (where not is_known) as missing_reports,
    list_sort(list(distinct unit_code)) as users
from completed
group by spur_code
order by spur_code
