"""Optimizers, under torch's names, and `rule` to state your own."""

from minigrad.optim.adam import Adam
from minigrad.optim.fused import RuleOptimizer
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.rule import rule
from minigrad.optim.sgd import SGD
from minigrad.optim.trace import RuleError

__all__ = ["SGD", "Adam", "Optimizer", "RuleError", "RuleOptimizer", "rule"]
