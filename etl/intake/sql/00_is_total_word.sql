-- A word such as 合计 or 煤炭小计 in place of data, as words.py reads it in our own columns.
-- noqa: disable=LT02
create macro is_total_word(cell) as
    regexp_full_match(
        replace(cell, ' ', ''),
        '(.{0,12}(合计|小计|总计|共计|累计)|其中[:：]?.{0,12})([(（](万?吨|元)[)）])?[:：]?'
    )
