"""What tests of optimizers share: the table of all of them, reference texts, recorded runs."""
