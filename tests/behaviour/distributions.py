"""Distributions: errors, registries, what subclasses rely on."""

import pytest


def check_a_bad_parameter_is_refused(torch):
    with pytest.raises(ValueError, match=r"Expected parameter scale .* to satisfy the constraint"):
        torch.distributions.Normal(0.0, torch.tensor([1.0, -1.0]))


def check_a_value_outside_the_support_is_refused(torch):
    with pytest.raises(ValueError, match="to be within the support"):
        torch.distributions.Exponential(1.0).log_prob(torch.tensor(-1.0))


def check_validation_can_be_switched_off(torch):
    found = torch.distributions.Exponential(1.0, validate_args=False).log_prob(torch.tensor(-1.0))
    assert found.item() == 1.0


def check_distributions_of_others_find_what_they_build_on(torch):
    utils = torch.distributions.utils
    drawn = utils._standard_normal(torch.Size([3, 2]), dtype=torch.float64, device="cpu")
    assert tuple(drawn.shape) == (3, 2)
    assert drawn.dtype == torch.float64
    assert utils._sum_rightmost(torch.ones(2, 3, 4), 2).tolist() == [12, 12]
    assert utils._sum_rightmost(torch.ones(2), 0).tolist() == [1, 1]


def check_probs_and_logits_are_exclusive(torch):
    with pytest.raises(ValueError, match="but not both"):
        torch.distributions.Bernoulli(probs=0.5, logits=0.0)


def check_probs_of_a_categorical_are_normalised(torch):
    d = torch.distributions.Categorical(probs=torch.tensor([1.0, 3.0]))
    assert d.probs.tolist() == [0.25, 0.75]
    assert d.logits.exp().tolist() == pytest.approx([0.25, 0.75])


def check_shapes_of_a_batch(torch):
    d = torch.distributions.Normal(torch.zeros(2, 1), torch.ones(3))
    assert tuple(d.batch_shape) == (2, 3)
    assert tuple(d.event_shape) == ()
    assert tuple(d.sample((5,)).shape) == (5, 2, 3)


def check_independent_moves_batch_dimensions(torch):
    d = torch.distributions.Independent(torch.distributions.Normal(torch.zeros(2, 3), 1.0), 1)
    assert tuple(d.batch_shape) == (2,)
    assert tuple(d.event_shape) == (3,)
    assert tuple(d.log_prob(torch.zeros(2, 3)).shape) == (2,)


def check_rsample_has_a_graph_and_sample_has_none(torch):
    loc = torch.zeros(3, requires_grad=True)
    d = torch.distributions.Normal(loc, 1.0)
    assert d.rsample().requires_grad
    assert not d.sample().requires_grad


def check_policy_gradient(torch):
    logits = torch.zeros(2, 3, requires_grad=True)
    d = torch.distributions.Categorical(logits=logits)
    (-d.log_prob(torch.tensor([0, 2])) * torch.tensor([1.0, 2.0])).sum().backward()
    assert logits.grad[0].tolist() == pytest.approx([-2 / 3, 1 / 3, 1 / 3])


def check_repr_names_the_parameters(torch):
    assert repr(torch.distributions.Normal(0.0, 1.0)) == "Normal(loc: 0.0, scale: 1.0)"


def check_an_unknown_pair_has_no_divergence(torch):
    with pytest.raises(NotImplementedError):
        torch.distributions.kl_divergence(
            torch.distributions.Cauchy(0.0, 1.0), torch.distributions.Poisson(1.0)
        )


def check_a_divergence_can_be_registered(torch):
    class Mine(torch.distributions.Normal):
        pass

    @torch.distributions.register_kl(Mine, Mine)
    def _(p, q):
        return torch.tensor(7.0)

    assert torch.distributions.kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)).item() == 7.0


def check_a_subclass_of_distribution_samples_through_rsample(torch):
    class Point(torch.distributions.Distribution):
        arg_constraints = {}  # noqa: RUF012  as users write it
        support = torch.distributions.constraints.real
        has_rsample = True

        def __init__(self, at):
            self.at = at
            super().__init__(at.shape)

        def rsample(self, sample_shape=()):
            return self.at * torch.ones(self._extended_shape(sample_shape))

    found = Point(torch.ones(2, requires_grad=True)).sample((3,))
    assert tuple(found.shape) == (3, 2)
    assert not found.requires_grad


def check_modules_of_families_can_be_imported(torch):
    assert torch.distributions.normal.Normal is torch.distributions.Normal
    assert torch.distributions.utils.broadcast_all(1.0, torch.zeros(2))[0].shape == (2,)
    assert torch.distributions.kl.kl_divergence is torch.distributions.kl_divergence
