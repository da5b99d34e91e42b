"""The documents that leave the system: receipts, sheets to print and seal.

pdf.py makes a PDF of a template (templates/*.typ) and its data; receipt.py says what stands in a receipt and
in a sheet. A template lays out and holds no figure; a figure comes from the ledger or from warehouse/sql/.
"""
