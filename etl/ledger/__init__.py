"""The ledger: everything that people brought in, kept as it came, with who and when.

schema.py       the tables, how the ledger is opened, readers and writers
submissions.py  the life of a submission, bulk acceptance, what was accepted on a day
review.py       what waits, who may decide, locking
amendments.py   what accepting a correction does to published figures, kept with it
evidence.py     kept files, what checks found, what senders explained
registry.py     units and their spurs (名录, 专用线)
official.py     official series, allocated targets, events (官方数, 分解目标, 事件)
jobs.py         runs of builds, inbox and reminders, and what is still to be built
tables.py       every table that staff import or fill in, by name; who may write and see which rows
mirror.py       differences between returns and station lists, and what both sides say of them
recording.py    how an import is appended, and which row of a key counts on a day
audit.py        the hash-chained log
heads.py        its last hash, noted outside the database
migrations/     Alembic; `schema.open_ledger` runs them, no command is needed
"""
