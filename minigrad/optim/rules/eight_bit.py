"""Adam, AdamW and Lion with states in 8 bits."""

from minigrad.optim.adam import Adam, adam
from minigrad.optim.adamw import adamw
from minigrad.optim.fused.rule_optimizer import RuleOptimizer
from minigrad.optim.lion import lion

PAPER = "Dettmers et al. 2022, 8-bit optimizers via block-wise quantization, arXiv:2110.02861"
CODES = {"m": "signed", "v": "positive", "v_max": "positive"}

adam8bit = adam.variant(paper=PAPER, eight_bits=CODES)
adamw8bit = adamw.variant(
    paper=PAPER, fixed={name: adamw.defaults[name] for name in adamw.fixed}, eight_bits=CODES
)
lion8bit = lion.variant(paper=PAPER, eight_bits={"m": "signed"})


class Adam8bit(Adam, rule=adam8bit):
    """Adam with a quarter of the memory: its means are kept in 8 bits.

    Each block of 256 elements has its largest size in single precision, and each element a code for
    its share of that.  The parameters keep their precision.
    """


class AdamW8bit(Adam, rule=adamw8bit):
    """AdamW with a quarter of the memory: its means are kept in 8 bits, as those of Adam8bit."""


class Lion8bit(RuleOptimizer, rule=lion8bit):
    """Lion with a quarter of the memory: its momentum is kept in 8 bits, as that of Adam8bit."""
