"""Every function of torch's on complex tensors: it agrees with torch here, or refuses."""

import warnings

import numpy as np
import pytest
import torch

import minigrad as mg

NUMBERS = np.random.default_rng(0)


def numbers(*shape):
    return NUMBERS.standard_normal(shape) + 1j * NUMBERS.standard_normal(shape)


Z, M, I = (numbers(6), numbers(6)), (numbers(3, 3), numbers(3, 3)), numbers(1, 2, 4, 4)
CALLS = [
    (Z[0],), Z, (M[0],), M, (Z[0], Z[1].real), (Z[0].real, Z[1]), (Z[0], 0), (M[0], 1), (Z[0], 2.0),
    (I,), (I, 2), (M[0], M[1], M[0]), (M[0], Z[0][:3]), (list(Z),), (Z[0], 2j),
]  # fmt: skip
SPACES = {
    "torch": (torch, mg), "functional": (torch.nn.functional, mg.nn.functional),
    "linalg": (torch.linalg, mg.linalg), "special": (torch.special, mg.special),
    "fft": (torch.fft, mg.fft), "Tensor": (torch.Tensor, mg.Tensor),
}  # fmt: skip
# They draw numbers, give memory that nobody wrote, or change settings.
LEFT_OUT = ("rand", "empty", "dropout", "set_", "use_", "normal", "new", "seed", "manual", "fork",
            "save", "load", "bernoulli", "poisson", "resize", "lowrank", "rrelu", "uniform",
            "random_", "data_ptr", "storage", "backward", "register", "compile", "multinomial",
            "from_", "exponential", "cauchy", "geometric", "lobpcg", "is_", "initial_")  # fmt: skip
# Right, though torch refuses them: promoted operands, results written into the tensor itself; or
# though torch does other than its signature says: losses without the mean that is their default,
# and a sum of a tensor's elements that is none.
TAKEN = {"abs_", "absolute_", "cross", "vecdot", "linear", "sum_to_size"}
TAKEN |= {"cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss",
          "triplet_margin_loss", "sym_sum"}  # fmt: skip


def called(m, function, given):
    arguments = [
        m.tensor(a) if isinstance(a, np.ndarray)
        else [m.tensor(each) for each in a] if isinstance(a, list) else a
        for a in given
    ]  # fmt: skip
    try:
        return arrays(function(*arguments))
    except Exception as error:  # whatever is raised, it is refused
        return error


def arrays(result):
    if isinstance(result, tuple | list):
        return [each for item in result for each in arrays(item)]
    if isinstance(result, torch.Tensor | mg.Tensor):
        return [result.detach().resolve_conj().resolve_neg().numpy()]
    return [result]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        not isinstance(b, np.ndarray)
        or (a.dtype == b.dtype and a.shape == b.shape and np.allclose(a, b, equal_nan=True))
        for a, b in zip(ours, theirs, strict=True)
    )


def names(theirs, ours):
    """The functions of torch's that are here, too."""
    for name in dir(theirs):
        function, mine = getattr(theirs, name, None), getattr(ours, name, None)
        is_function = callable(function) and callable(mine) and not isinstance(function, type)
        if name[0] != "_" and is_function and not any(word in name for word in LEFT_OUT):
            yield name


@pytest.mark.parametrize("space", SPACES)
def test_complex_tensors_agree_or_are_refused(space):
    theirs, ours = SPACES[space]
    wrong, right = [], set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names(theirs, ours):
            for given in CALLS:
                if space == "Tensor" and not isinstance(given[0], np.ndarray):
                    continue
                found = called(mg, getattr(ours, name), given)
                if isinstance(found, Exception):
                    continue
                expected = called(torch, getattr(theirs, name), given)
                if isinstance(expected, TypeError):  # another signature
                    continue
                if not isinstance(expected, Exception) and same(found, expected):
                    right.add(name)
                elif name not in TAKEN:
                    wrong.append((name, [np.shape(a) for a in given], str(expected)[:60]))
    assert wrong == []
    assert right or space == "special"
