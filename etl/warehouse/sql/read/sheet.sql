-- What one unit moved: in the month, from January to the month, and in the same months of the year before.
-- grain: commodity × direction × mode × 短驳 (level flow), and its sums: mode, rail (is_rail or not), all.
-- Units: tonnes; rows: of the month. 短驳 is a leg of a transport that is told elsewhere: its sums stand apart.
-- A month without a return is in no sum, and unit_reports says so.
with movement as (
    select
        fact_movement.commodity,
        fact_movement.direction,
        fact_movement.mode,
        fact_movement.is_drayage,
        dim_mode.is_rail,
        fact_movement.tonnes,
        dim_commodity.position as commodity_position,
        dim_mode.position as mode_position,
        fact_movement.month = $month as is_month,
        fact_movement.month between date_trunc('year', $month::date) and $month as is_year,
        fact_movement.month = $month::date - interval 1 year as is_month_before
    from fact_movement
    left join dim_commodity on fact_movement.commodity = dim_commodity.commodity
    left join dim_mode on fact_movement.mode = dim_mode.mode
    where
        fact_movement.unit_code = $unit
        and month(fact_movement.month) <= month($month::date)
        and year(fact_movement.month) between year($month::date) - 1 and year($month::date)
)

select
    case
        when grouping(commodity) = 0 then 'flow'
        when grouping(mode) = 0 then 'mode'
        when grouping(is_rail) = 0 then 'rail'
        else 'all'
    end as level,
    commodity,
    direction,
    mode,
    is_rail,
    is_drayage,
    count(*) filter (where is_month) as month_rows,
    coalesce(sum(tonnes) filter (where is_month), 0) as month_tonnes,
    coalesce(sum(tonnes) filter (where is_year), 0) as year_tonnes,
    coalesce(sum(tonnes) filter (where is_month_before), 0) as month_before_tonnes,
    coalesce(sum(tonnes) filter (where not is_year), 0) as year_before_tonnes
from movement
group by
    grouping sets (
        (is_drayage, commodity, direction, mode),
        (is_drayage, mode),
        (is_drayage, is_rail),
        (is_drayage)
    )
order by
    level,
    is_drayage,
    min(commodity_position),
    commodity,
    case direction when '发运' then 0 when '到达' then 1 end,
    min(mode_position),
    mode
