"""A diagnostic suite for optimizers: ten problems, a search of the rate, tables and a picture."""

from minigrad.core.public_names import show_public_names
from minigrad.testing.optimizers.problems import PROBLEMS, Problem
from minigrad.testing.optimizers.report import as_json, draw, table
from minigrad.testing.optimizers.runs import RATES, Outcome, diagnose

__all__ = ["PROBLEMS", "RATES", "Outcome", "Problem", "as_json", "diagnose", "draw", "table"]

show_public_names(__name__)
