"""From the text of an update rule to one kernel over all parameters."""
