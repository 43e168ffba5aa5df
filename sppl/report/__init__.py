"""Reports for people: tables, plots, one page."""
