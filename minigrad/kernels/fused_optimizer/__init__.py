"""One kernel for a whole optimizer step, generated from the rule's text."""
