-- Each accepted row with what the reference data say of it, still carrying its submission, sheet and row.
-- grain: one uploaded row. Tonnes exact; distance_km as declared for the pair, else as written.
-- excluded_reason: why a row is in no indicator (未登记, 停产); NULL = it counts.
create table fact_movement as
with accepted as (
    select
        in_submission.submission_id,
        in_row.*,
        coalesce(origin_name.name, in_row.origin) as origin_name,
        coalesce(destination_name.name, in_row.destination) as destination_name,
        case when in_row.direction = '发运' then origin_name.corridor else destination_name.corridor end
            as own_corridor,
        case when in_row.direction = '发运' then destination_name.corridor else origin_name.corridor end
            as other_corridor
    from in_row
    inner join in_submission
        on
            in_row.rows_file = in_submission.rows_file
            and in_row.unit_code = in_submission.unit_code
            and in_row.month = in_submission.month
    left join dim_station_word as origin_name on in_row.origin = origin_name.word
    left join dim_station_word as destination_name on in_row.destination = destination_name.word
)

select
    accepted.submission_id,
    accepted.sheet,
    accepted.row_no,
    accepted.month,
    accepted.unit_code,
    dim_unit_month.county_code,
    accepted.direction,
    accepted.mode,
    accepted.commodity,
    accepted.origin_name as origin,
    accepted.destination_name as destination,
    accepted.counterparty,
    dim_counterparty.unit_code as counterparty_unit,
    coalesce(
        accepted.corridor,
        dim_od.corridor,
        accepted.own_corridor,
        accepted.other_corridor,
        '其他'
    ) as corridor,
    accepted.distance_km as written_km,
    coalesce(dim_od.distance_km, accepted.distance_km) as distance_km,
    accepted.tonnes,
    accepted.is_drayage,
    accepted.transfer_station,
    accepted.loading,
    accepted.boxes,
    accepted.vehicles,
    accepted.weighing_basis,
    accepted.note,
    case
        when dim_unit_month.unit_code is null then '未登记'
        when not dim_unit_month.is_active then '停产'
    end as excluded_reason,
    not coalesce(
        dim_counterparty.is_expected
        and dim_counterparty.unit_code <> accepted.unit_code
        and (
            accepted.direction = '到达'
            or (dim_unit_month.kind = '物流园区' and dim_counterparty.kind = '工矿企业')
        ),
        false
    ) as counted_once
from accepted
left join dim_unit_month
    on accepted.month = dim_unit_month.month and accepted.unit_code = dim_unit_month.unit_code
left join dim_od
    on accepted.origin_name = dim_od.origin and accepted.destination_name = dim_od.destination
left join dim_counterparty
    on accepted.month = dim_counterparty.month and accepted.counterparty = dim_counterparty.word
