"""From bytes to checked rows: receive → mapping → rules → check."""
