"""From files to published numbers: everything without Streamlit.

A file is kept as it came (ledger), read as text (intake.receive), judged by the catalogue (intake.rules,
intake.check) and, unit-month by unit-month, accepted (ledger.submissions). What was accepted becomes facts,
a cube and each indicator's population in one immutable file (warehouse.build, warehouse.publish). A reader
(warehouse.snapshot) asks it under a Scope; plan.judge() says what the numbers mean; overview, reporting,
corridors and enterprises put a page together. Sums that would tell of a single enterprise are kept from who may not
see it (warehouse.suppression: the rule; warehouse.disclosure: month by month); the 公开版 has queries of its own
(warehouse.public_edition). pipeline.py is this story in code;
filing.py is the same for one return: tried out, submitted, reviewed, sent back or locked; builds.py publishes in
a process of its own; registers.py is the 台账 as tables, mirror.py holds returns against station lists, inbox.py
loads what is dropped, reminders.py says what waits, tasks.py how the plan's measures stand, joblog.py what ran;
verify.py proves that the ledger is what was written, backup.py makes,
restores and drills backups; briefing writes the documents.

Declared data (data/) come through reference.py, months and the clock from periods.py, Chinese text of
numbers and verdicts from wording.py. Nothing here imports dashboard.
"""
