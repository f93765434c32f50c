"""AdamW."""

from minigrad.optim.adam import Adam, adam

adamw = adam.variant(
    paper="Loshchilov & Hutter 2019, Algorithm 2, arXiv:1711.05101; amsgrad: Reddi et al. 2018",
    defaults={"weight_decay": 1e-2},
    fixed={"decoupled_weight_decay": True},
)


class AdamW(Adam, rule=adamw):
    """Adam whose weight decay shrinks the parameters directly and stays out of the means."""
