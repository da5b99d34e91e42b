-- Which registered unit a word in 对方单位 means in a month: its code, else a uscc that one unit has, else its name.
-- grain: month × word. A word that two units share means neither. Source: DECISIONS.md 5.
create table dim_counterparty as
with own_uscc as (
    -- A uscc that a second unit has in any month means neither in every month.
    select uscc, min(unit_code) as unit_code
    from in_registry
    group by uscc
    having count(distinct unit_code) = 1
),

words as (
    select month, unit_code as word, unit_code, is_expected, kind, 1 as rank from dim_unit_month
    union all
    select
        dim_unit_month.month,
        own_uscc.uscc,
        dim_unit_month.unit_code,
        dim_unit_month.is_expected,
        dim_unit_month.kind,
        2
    from dim_unit_month
    inner join own_uscc on dim_unit_month.unit_code = own_uscc.unit_code
    union all
    select month, name, unit_code, is_expected, kind, 3 from dim_unit_month
),

single as (
    select
        month,
        word,
        rank,
        min(unit_code) as unit_code,
        bool_or(is_expected) as is_expected,
        min(kind) as kind
    from words
    group by month, word, rank
    having count(distinct unit_code) = 1
),

ranked as (
    select
        single.*,
        row_number() over (partition by month, word order by rank) as recency
    from single
)

select month, word, unit_code, is_expected, kind
from ranked
where recency = 1
