-- What stands below a table, by its label: who filled it in, a telephone number, a remark.
-- words: one cell, or all cells of a line as a struct is written; the many lines without any cost nothing.
-- noqa: disable=LT02
create macro is_signature(words) as
    if(words = '', false, regexp_matches(
        words,
        '(^|: ''?)\s*(注|说明|填报?表?人|制表人?|审核人?|复核人?|(单位|统计|企业|部门)?负责人|经办人|联系人|联系电话|电话'
        || '|(填报|填表|报出|制表)(日期|时间)|单位(盖|公)章)[^,]{0,12}[:：]'
    ))
