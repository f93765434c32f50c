"""Public functions against PyTorch's, by CPU time on one thread: those that are slower.

    python -m benchmarks.functions [--least 0.5] [--only WORD]

Each function is called in turns here and in PyTorch, in one process, on small, middle and large
tensors; the best call counts.  It prints the functions whose ratio, PyTorch's time over ours, is
below `--least` at some size, and the geometric mean of all.
"""

import argparse
import importlib
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import minigrad
from minigrad.bench import geometric_mean

SIZES = (32, 10_000, 1_000_000)
SECONDS = 0.04  # for a function at a size, in each library

# Of one tensor x, of two of a size x and y, and of positive numbers p: what an expression names.
EXPRESSIONS = """
x.abs() | x.neg() | x.exp() | x.expm1() | p.log() | p.log1p() | p.log2() | p.log10() | p.sqrt()
p.rsqrt() | p.reciprocal() | x.sin() | x.cos() | x.tan() | x.tanh() | x.sigmoid() | x.sinh()
x.cosh() | x.atan() | x.erf() | x.erfc() | x.floor() | x.ceil() | x.round() | x.trunc() | x.frac()
x.sign() | x.square() | x.relu() | p.lgamma() | p.digamma() | x.clamp(-1, 1) | x.clamp_min(0)
x.isnan() | x.isinf() | x.isfinite() | x.nan_to_num() | x.logit(0.1) | x.sinc() | x.exp2()
x.asinh() | x.hardshrink() | F.gelu(x) | F.silu(x) | F.elu(x) | F.selu(x) | F.softplus(x)
F.leaky_relu(x) | F.hardtanh(x) | F.hardswish(x) | F.mish(x) | F.logsigmoid(x) | F.relu6(x)
F.softsign(x) | F.tanhshrink(x) | F.softshrink(x) | F.celu(x) | F.threshold(x, 0.0, 1.0)
x + y | x - y | x * y | x / p | x + 1 | x * 2 | 1 / p | p ** 2 | p ** 0.5 | p ** y | x // p | x % p
x > y | x == y | x > 0 | m.maximum(x, y) | m.minimum(x, y) | m.atan2(x, y) | m.fmod(x, p)
m.where(x > 0, x, y) | m.lerp(x, y, 0.3) | m.addcmul(x, x, y) | m.addcdiv(x, y, p) | m.hypot(x, y)
m.copysign(x, y) | m.logaddexp(x, y) | m.xlogy(x, p) | m.ldexp(x, y) | m.isclose(x, y)
m.allclose(x, y) | m.equal(x, y) | m.dist(x, y) | i + j | i * 2 | i == j | i // 3 | i % 3 | i & j
i << 1 | b & c | ~b | b.any() | b.all() | b.sum() | i.sum() | i.float() | x.long() | x.double()
x.half() | x.bool() | x.clone() | x.contiguous() | x.detach() | m.zeros_like(x) | m.ones_like(x)
m.full_like(x, 2.0) | m.rand_like(x) | m.randn_like(x) | x.new_zeros(n) | m.zeros(n) | m.ones(n)
m.full((n,), 3.0) | m.empty(n) | m.arange(n) | m.linspace(0, 1, n) | m.logspace(0, 1, n)
m.rand(n) | m.randn(n) | m.randint(0, 9, (n,)) | m.randperm(n) | m.bernoulli(u) | F.dropout(x, 0.5)
x.sum() | x.mean() | x.std() | x.var() | x.prod() | x.max() | x.min() | x.amax() | x.argmax()
x.argmin() | x.norm() | x.norm(1) | x.median() | x.logsumexp(0) | x.count_nonzero() | x.aminmax()
x.cumsum(0) | x.cumprod(0) | x.cummax(0) | x.logcumsumexp(0) | x.diff() | x.sort() | x.argsort()
x.topk(5) | x.kthvalue(3) | x.unique() | x.mode() | x.quantile(0.3) | x.histc(10) | m.bincount(i)
a.sum(0) | a.sum(1) | a.mean(0) | a.mean(1) | a.var(0) | a.var(1) | a.amax(0) | a.amax(1) | a.max(0)
a.max(1) | a.argmax(0) | a.argmax(1) | a.std(1) | a.norm(dim=1) | a.prod(1) | a.cumsum(0)
a.cumsum(1) | a.logsumexp(0) | a.logsumexp(1) | a.softmax(0) | a.softmax(1) | a.log_softmax(1)
a.sort(1) | a.median(1) | a.any(1) | a.cummax(1) | F.normalize(a) | F.layer_norm(a, a.shape[1:])
F.rms_norm(a, a.shape[1:]) | F.cosine_similarity(a, d) | F.pairwise_distance(a, d)
a.t().contiguous() | a.T.clone() | a.flip(0) | a.flip(1) | a.roll(1, 0) | a.tril() | a.triu()
a.diagonal() | m.diag(a) | a.trace() | a.repeat(2, 1) | a.repeat_interleave(2, 0) | a.unsqueeze(0)
a.reshape(-1) | a.view(-1) | a.transpose(0, 1) | a.permute(1, 0) | a.expand_as(a) | a.squeeze()
a[0] | a[:, 0] | a[1:] | a[::2] | a[None] | a[r] | a[:, r] | a[a > 0] | a.masked_fill(a > 0, 0.0)
a.masked_select(a > 0) | a.index_select(0, r) | a.index_select(1, r) | a.gather(1, k)
m.take_along_dim(a, k, 1) | x.take(r) | a.scatter(1, k, d) | a.scatter_add(1, k, d)
a.index_add(0, r, a[r]) | a.index_fill(0, r, 1.0) | m.cat([a, d]) | m.cat([a, d], 1)
m.stack([a, d]) | m.stack([a, d], 2) | a.split(2) | a.chunk(2, 1) | a.unbind() | m.meshgrid(r, r)
m.outer(x[:99], y[:99]) | x.dot(y) | a @ a.T | a.mv(d[0]) | m.einsum("ij,ij->i", a, d)
m.einsum("ij->ji", a) | m.cdist(a, d) | m.tensordot(a, d, 2) | m.kron(x[:9], y[:99])
F.one_hot(r, 1000) | F.embedding(r, a) | F.mse_loss(x, y) | F.l1_loss(x, y) | F.smooth_l1_loss(x, y)
F.huber_loss(x, y) | F.binary_cross_entropy(u, u) | F.binary_cross_entropy_with_logits(x, u)
F.kl_div(x, u) | F.cross_entropy(a, l) | F.nll_loss(a, l) | F.soft_margin_loss(x, y)
F.cosine_embedding_loss(a, d, s) | F.triplet_margin_loss(a, d, a) | F.gaussian_nll_loss(x, y, p)
F.poisson_nll_loss(x, p) | F.pad(a, (1, 1)) | F.pad(a, (1, 1), mode="replicate") | x.tolist()
F.max_pool1d(a, 2) | F.avg_pool1d(a, 2) | F.glu(a) | m.bucketize(y, z)
m.searchsorted(z, y) | m.histc(x, 10) | m.nonzero(x > 0) | m.tril_indices(9, 9)
"""


class Case(NamedTuple):
    """An expression at a size, as a function in each library."""

    name: str
    size: int
    ours: Callable[[], Any]
    theirs: Callable[[], Any]


def operands(library: Any, n: int) -> dict[str, Any]:
    """The names that expressions use, the same numbers in both libraries."""
    rng = np.random.default_rng(n)
    columns = 100 if n >= 10_000 else 8
    shape = n // columns, columns

    def floats(*sizes: int) -> Any:
        return library.from_numpy(rng.standard_normal(sizes).astype(np.float32))

    def integers(most: int, *sizes: int) -> Any:
        return library.from_numpy(rng.integers(0, most, sizes))

    x, y, a, d = floats(n), floats(n), floats(*shape), floats(*shape)
    rows = min(4, shape[0])
    return {
        "m": library, "F": library.nn.functional, "n": n, "x": x, "y": y, "p": x.abs() + 0.1,
        "u": library.sigmoid(x), "a": a, "d": d, "i": integers(99, n), "j": integers(99, n),
        "b": x > 0, "c": y > 0, "r": integers(rows, min(n // 8, 1000)),
        "k": integers(columns, *shape), "l": integers(columns, shape[0]), "z": x.sort()[0],
        "s": library.ones(shape[0]),
    }  # fmt: skip


def cases(word: str) -> Iterator[Case]:
    """All that both libraries can compute."""
    theirs = importlib.import_module("torch")
    theirs.set_num_threads(1)
    minigrad.set_num_threads(1)
    expressions = [e.strip() for line in EXPRESSIONS.strip().split("\n") for e in line.split(" | ")]
    for n in SIZES:
        names = operands(minigrad, n), operands(theirs, n)
        for expression in expressions:
            if word in expression:
                code = compile(f"lambda: {expression}", "<expression>", "eval")
                calls = [eval(code, dict(each)) for each in names]
                try:
                    calls[1]()
                except (RuntimeError, IndexError):
                    continue  # operands of this size do not fit
                calls[0]()
                yield Case(expression, n, *calls)


def ratio(case: Case) -> tuple[float, float]:
    """The best CPU seconds of ours, and of PyTorch's."""
    best = [float("inf")] * 2
    end = time.process_time() + 2 * SECONDS
    rounds = 0
    while rounds < 3 or time.process_time() < end:
        rounds += 1
        for which, call in enumerate((case.ours, case.theirs)):
            repeats = 10 if case.size < 1000 else 1
            start = time.process_time()
            for _ in range(repeats):
                call()
            best[which] = min(best[which], (time.process_time() - start) / repeats)
    return best[0], best[1]


def main() -> None:
    """Measure, and print what is slow."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.functions", description=__doc__)
    parser.add_argument("--least", type=float, default=0.5, help="ratio below which one is shown")
    parser.add_argument("--only", default="", help="measure expressions that contain this")
    options = parser.parse_args()
    found: dict[int, list[float]] = {n: [] for n in SIZES}
    for case in cases(options.only):
        mine, theirs = ratio(case)
        found[case.size].append(theirs / mine)
        if theirs / mine < options.least:
            times = f"{1e6 * mine:9.1f} us, torch {1e6 * theirs:9.1f} us"
            print(f"{theirs / mine:5.2f}  {case.size:8}  {times}  {case.name}", flush=True)
    for n, ratios in found.items():
        if ratios:
            below = sum(each < options.least for each in ratios)
            mean = geometric_mean(ratios)
            print(f"{n:8}: geometric mean {mean:.2f} of {len(ratios)}, {below} below")


if __name__ == "__main__":
    main()
