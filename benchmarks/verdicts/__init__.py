"""How often a comparison of two versions is wrong: false alarms, and slow-downs that are missed.

`cases` has the cases that are compared, `same` and `slower` as two versions of them; `campaign`
records launches and resamples them.
"""
