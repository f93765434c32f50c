"""Support for the tests: references, drawn arguments, data and comparisons."""
