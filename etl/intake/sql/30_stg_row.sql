-- What each line is: a flow, a report of no traffic, a total, or a remark at the foot; and what it leaves open.
-- grain: one line. od (origin × destination) has the 认定里程; a corridor that is not written is the pair's, else
-- that of the station at the unit's own end, else at the other end, else 其他 (DECISIONS.md 6).
create view stg_row as
with word as (
    select
        stg_word.* replace (
            coalesce(loading, '散装') as loading,
            is_total or (is_flowless and coalesce(is_total_word(other_word), false)) as is_total
        ),
        if(is_flowless, written::varchar, '') as words,
        tonnes_reading = 'blank' and distance_km_reading = 'blank'
        and commodity is null and direction is null and mode is null as is_empty_flow,
        -- A line without a flow and without a readable month of its own is a signature or a remark; so is one with
        -- 填表人：, beside which a telephone number may stand under the tonnes.
        is_empty_flow or (is_signature(words) and (tonnes is null or not is_fixed)) as is_remark,
        coalesce(drayage = '是', false) as is_drayage,
        transfer_kind is not null as is_known_transfer,
        od.distance_km as od_distance_km,
        coalesce(
            stg_word.corridor,
            od.corridor,
            if(direction = '到达', destination_corridor, origin_corridor),
            if(direction = '到达', origin_corridor, destination_corridor),
            '其他'
        ) as derived_corridor
    from stg_word
    left join od on stg_word.origin = od.origin and stg_word.destination = od.destination
)

select
    *,
    is_zero_word and coalesce(tonnes, 0) = 0 and tonnes_reading in ('', 'blank', 'width') as is_zero,
    -- Totals of more than this table or of a part of it are not held against the rows.
    if(is_total, regexp_matches(words, '累计|其中'), false) as is_beyond,
    not is_total and not is_zero_word and not is_key_line and is_remark as is_footer,
    not is_total and (is_zero_word or is_key_line or not is_remark) as is_data
from word
