-- The uploaded rows behind a number, and those near it that do not count, with the reason.
-- grain: one uploaded row. Units: tonnes, km. $unit NULL = a collective figure, in which the
-- same goods count once; $everything adds the rows of other goods.
with flow_keys as (
    select distinct
        month, unit_code, corridor, commodity, mode, direction, distance_band, loading, is_drayage, counted_once,
        is_member,
        numerator_tonnes > 0 as is_numerator
    from flow
    where indicator = $indicator and month between $first and $last
),

banded as (
    select
        fact_movement.*,
        case
            when fact_movement.distance_km >= dim_rule.long_distance_km then '长'
            when fact_movement.distance_km < dim_rule.short_distance_km then '短'
            else '中'
        end as distance_band
    from fact_movement
    cross join dim_rule
    where
        fact_movement.month between $first and $last
        and ($county is null or fact_movement.county_code = $county)
        and ($corridor is null or fact_movement.corridor = $corridor)
        and ($commodity is null or fact_movement.commodity = $commodity)
        and ($direction is null or fact_movement.direction = $direction)
        and ($unit is null or fact_movement.unit_code = $unit)
        and ($scope_counties is null or list_contains($scope_counties, fact_movement.county_code))
        and ($scope_units is null or list_contains($scope_units, fact_movement.unit_code))
)

select
    strftime(banded.month, '%Y-%m') as 月份,
    banded.unit_code as 填报单位编码,
    dim_unit_month.name as 企业名称,
    banded.county_code as 县区代码,
    banded.commodity as 货类,
    banded.direction as 方向,
    banded.mode as 运输方式,
    banded.origin as 起点,
    banded.destination as 终点,
    banded.counterparty as 对方单位,
    banded.corridor as 通道,
    banded.distance_km as 运距公里,
    banded.written_km as 填报运距公里,
    banded.tonnes as 运量吨,
    case when banded.is_drayage then '是' else '否' end as 短驳,
    banded.loading as 装载,
    case
        when banded.excluded_reason is not null then '未计入：' || banded.excluded_reason
        when flow_keys.unit_code is null then '不属本指标货物'
        when not flow_keys.is_member then '未计入：' || out_population.reason
        when $unit is null and not banded.counted_once then '未计入：对流扣除'
        when flow_keys.is_numerator then '计入分子和分母'
        else '计入分母'
    end as 计入情况,
    in_submission.file_name as 文件,
    banded.sheet as 工作表,
    banded.row_no as 行号,
    in_submission.version as 版本,
    in_submission.received_on as 收到日期
from banded
left join flow_keys
    on
        banded.month = flow_keys.month
        and banded.unit_code = flow_keys.unit_code
        and banded.corridor = flow_keys.corridor
        and banded.commodity = flow_keys.commodity
        and banded.mode = flow_keys.mode
        and banded.direction = flow_keys.direction
        and banded.distance_band = flow_keys.distance_band
        and banded.loading = flow_keys.loading
        and banded.is_drayage = flow_keys.is_drayage
        and banded.counted_once = flow_keys.counted_once
left join out_population
    on
        out_population.indicator = $indicator
        and banded.month = out_population.month
        and banded.unit_code = out_population.unit_code
left join dim_unit_month
    on banded.month = dim_unit_month.month and banded.unit_code = dim_unit_month.unit_code
inner join in_submission on banded.submission_id = in_submission.submission_id
where $everything or flow_keys.unit_code is not null or banded.excluded_reason is not null
order by banded.month, banded.unit_code, in_submission.file_name, banded.sheet, banded.row_no
