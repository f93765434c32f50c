"""The report of runs: one page of HTML that needs no other file."""
