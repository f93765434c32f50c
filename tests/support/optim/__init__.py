"""Support for tests of optimizers: the table of all of them, reference texts, recorded runs."""
