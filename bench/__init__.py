"""Repeatable measurements, as ratios within one run: `make bench`. Nothing here is a test."""
