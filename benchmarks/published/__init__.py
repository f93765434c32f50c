"""The pages of `benchmarks/results/`, made from the JSON files there.

`kinds.py` says which kind of machine this is, `pages.py` writes the overview and each kind's pages,
`tables.py` has the tables of minigrad's own cases, `sections.py` a section for each other file.
"""
