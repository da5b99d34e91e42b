-- Which unit has access to which spur in which month.
-- grain: month × unit × spur × 使用起. Clause （五）; the month in which a spur opens is the bureau's switch
-- spur_access_from (DECISIONS.md 8). A line that was opened but does not count yet,
-- or whose 开通日期 is not known, is 在建. first_month: from which month the use counts, NULL = not known.
create table dim_spur_access as
with uses as (
    select
        in_spur.*,
        case
            when in_spur.use_from is null then in_spur.opened_on
            when in_spur.opened_on is not null then greatest(in_spur.opened_on, in_spur.use_from)
        end as starts_on
    from in_spur
),

counted as (
    select
        uses.*,
        case
            when day(uses.starts_on) = 1 or dim_rule.spur_access_from = 'same_month'
                then cast(date_trunc('month', uses.starts_on) as date)
            else cast(date_trunc('month', uses.starts_on) + interval 1 month as date)
        end as first_month
    from uses
    cross join dim_rule
)

select
    dim_month.month,
    counted.user_code as unit_code,
    counted.spur_code,
    counted.corridor,
    counted.relation,
    counted.use_from,
    counted.first_month,
    counted.state = '开通'
    and coalesce(dim_month.month >= counted.first_month, false)
    and (counted.use_to is null or dim_month.last_day <= counted.use_to) as has_access,
    counted.state in ('前期', '在建')
    or (counted.state = '开通' and coalesce(dim_month.month < counted.first_month, true)) as is_under_way
from dim_month
cross join counted
