"""The pages: Streamlit only. They read through the snapshot, draw, and hold no formula.

server.py    the ASGI application: options and routes
gate.py      what stands before it: loopback only, sign-in first
signin.py    the chooser of roles, and the sessions
app.py       entry of each rerun: sign-in, navigation, the filter row
session.py   the visit of a rerun and its cached reads
charts.py    page object → figure, pure
palette.py   the colours and what they mean
widgets.py   head, filter row, cards, tables, downloads
views/       one file a page
"""
