-- Every vintage of the official rail total behind K1, with the one in force marked.
-- grain: one published value. Units: 万吨.
select
    strftime(in_official.month, '%Y-%m') as 月份,
    in_official.object_type as 对象类型,
    in_official.object as 对象,
    in_official.period_kind as 期别,
    in_official.value as 数值万吨,
    in_official.caliber as 口径,
    in_official.operator as 运营主体,
    in_official.status as 状态,
    in_official.source as 来源,
    in_official.published_on as 发布日期,
    case when in_official.value = out_official.value and in_official.status = out_official.status then '采用' else '' end
        as 采用
from in_official
left join out_official
    on
        in_official.month = out_official.month
        and in_official.mode = out_official.mode
        and in_official.object_type = out_official.object_type
        and in_official.object = out_official.object
        and in_official.commodity = out_official.commodity
        and in_official.period_kind = out_official.period_kind
        and in_official.caliber = out_official.caliber
where
    in_official.mode = '铁路' and in_official.commodity = '合计'
    and in_official.month between $first and $last
    and ($object_type is null or in_official.object_type = $object_type)
    and ($object is null or in_official.object = $object)
order by all
