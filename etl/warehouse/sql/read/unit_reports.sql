-- The returns of units month by month: state, receipt, version.
-- grain: unit × month.
select
    fact_report.month,
    fact_report.unit_code,
    fact_report.county_code,
    fact_report.state,
    fact_report.is_expected,
    fact_report.is_accepted,
    fact_report.is_late,
    fact_report.received_on,
    fact_report.first_received_on,
    fact_report.due_on,
    fact_report.version,
    in_submission.file_name,
    in_state.state as workflow_state
from fact_report
left join in_submission on fact_report.submission_id = in_submission.submission_id
left join in_state
    on fact_report.month = in_state.month and fact_report.unit_code = in_state.unit_code
where
    fact_report.month between $first and $last
    and ($unit is null or fact_report.unit_code = $unit)
    and ($county is null or fact_report.county_code = $county)
    and ($scope_counties is null or list_contains($scope_counties, fact_report.county_code))
    and ($scope_units is null or list_contains($scope_units, fact_report.unit_code))
order by fact_report.unit_code, fact_report.month
