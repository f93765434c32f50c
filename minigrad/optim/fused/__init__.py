"""From the text of an update rule to one kernel call for many parameters."""
