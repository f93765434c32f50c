"""Language models beside the same composition of torch's modules; sampling; files."""

import json
import math

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import optim
from minigrad.bench.cases.networks import gpt, recurrent_model
from minigrad.nn import functional as F
from minigrad.text import (
    Corpus,
    Vocabulary,
    continuation,
    load_model,
    sample_tokens,
    save_model,
)
from minigrad.text.models import GPT, CharLSTM, LanguageModel
from tests.support.torch_twin import TOLERANCE, assert_close, copy_state

PAIRS = {
    "gpt": (lambda: GPT(11, 8, 2, 3, 12), lambda: gpt(torch, 11, 8, 2, 3, 12)),
    "lstm": (lambda: CharLSTM(11, 12, 2), lambda: recurrent_model(torch, 11, 12, 2)),
}
TOKENS = np.random.default_rng(0).integers(0, 11, (3, 9))


def loss_of(library, model, tokens):
    scores = model(tokens[:, :-1])
    loss = library.nn.functional.cross_entropy(scores.flatten(0, 1), tokens[:, 1:].flatten())
    return scores, loss


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PAIRS)
def test_scores_and_gradients_are_torch_s(name, dtype):
    ours, theirs = (make() for make in PAIRS[name])
    ours, theirs = ours.to(getattr(mg, dtype)), theirs.to(getattr(torch, dtype))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    copy_state(ours, theirs)
    scores, loss = loss_of(mg, ours, mg.from_numpy(TOKENS))
    expected, torch_loss = loss_of(torch, theirs, torch.from_numpy(TOKENS))
    assert_close(scores, expected, TOLERANCE[dtype], "scores")
    loss.backward()
    torch_loss.backward()
    for (key, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert_close(mine.grad, other.grad, TOLERANCE[dtype], key)


@pytest.mark.parametrize("name", PAIRS)
def test_training_takes_torch_s_way(name):
    ours, theirs = (make() for make in PAIRS[name])
    ours, theirs = ours.double(), theirs.double()
    copy_state(ours, theirs)
    steps = []
    for library, model in ((mg, ours), (torch, theirs)):
        optimizer = library.optim.AdamW(model.parameters(), lr=1e-2)
        losses = []
        for step in range(20):
            optimizer.zero_grad()
            _, loss = loss_of(library, model, library.from_numpy((TOKENS + step) % 11))
            loss.backward()
            library.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        steps.append(losses)
    np.testing.assert_allclose(*steps, rtol=1e-9)


def test_the_first_weights_of_a_gpt_are_nanogpt_s():
    mg.manual_seed(0)
    model = GPT(65, n_layer=6)
    spread = {name: p.std().item() for name, p in model.named_parameters() if p.ndim == 2}
    for name, found in spread.items():
        expected = 0.02 / math.sqrt(12) if name.endswith("c_proj.weight") else 0.02
        assert found == pytest.approx(expected, rel=0.06), name
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert all(p.eq(0).all() for p in biases)
    tokens = mg.randint(0, 65, (4, 65))
    assert loss_of(mg, model, tokens)[1].item() == pytest.approx(math.log(65), abs=0.1)


def test_the_last_layer_shares_the_embedding_or_not():
    tied, own = GPT(65), GPT(65, tied=False, bias=False)
    assert tied.lm_head.weight is tied.transformer["wte"].weight
    assert own.lm_head.weight is not own.transformer["wte"].weight
    assert not any(name.endswith("bias") for name, _ in own.named_parameters())
    count = [sum(p.numel() for p in GPT(65, tied=t).parameters()) for t in (False, True)]
    assert count[0] - count[1] == 65 * 128


@pytest.mark.parametrize("name", PAIRS)
def test_no_position_sees_what_follows(name):
    model = PAIRS[name][0]().eval()
    tokens = mg.from_numpy(TOKENS[:, :8].copy())
    changed = tokens.clone()
    changed[:, 5:] = (changed[:, 5:] + 1) % 11
    before, after = model(tokens), model(changed)
    assert mg.allclose(before[:, :5], after[:, :5], atol=1e-6)
    assert not mg.allclose(before[:, 5:], after[:, 5:], atol=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_advancing_in_pieces_is_one_pass(name):
    model = PAIRS[name][0]().eval()
    tokens = mg.from_numpy(TOKENS[:, :8].copy())
    whole = model(tokens)
    state = None
    for start, end in ((0, 3), (3, 4), (4, 8)):
        scores, state = model.advance(tokens[:, start:end], state)
        assert mg.allclose(scores, whole[:, end - 1], atol=1e-5)


def test_a_gpt_forgets_what_is_beyond_its_context():
    model = GPT(11, 4, 1, 1, 8).eval()
    tokens = mg.from_numpy(TOKENS)
    scores, state = model.advance(tokens[:, :7])
    assert mg.allclose(scores, model(tokens[:, 3:7])[:, -1], atol=1e-6)
    assert state.shape == (3, 4)
    with pytest.raises(ValueError, match="sequence of length 5, block size is only 4"):
        model(tokens[:, :5])


def test_dropout_is_for_training_only():
    for model in (GPT(11, 8, 1, 2, 8, dropout=0.5), CharLSTM(11, 8, 1, dropout=0.5)):
        tokens = mg.from_numpy(TOKENS[:, :8].copy())
        assert not model(tokens).equal(model(tokens))
        model.eval()
        assert model(tokens).equal(model(tokens))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GPT(65, n_embd=10, n_head=3), "n_embd divisible by n_head, got 10 and 3"),
        (lambda: GPT(65, n_layer=0), "n_layer of at least 1, got n_layer=0"),
        (lambda: GPT(0), "vocab_size of at least 1"),
        (lambda: CharLSTM(65, hidden_size=0), "CharLSTM expects hidden_size of at least 1"),
    ],
)
def test_absurd_sizes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# --- learning and sampling ------------------------------------------------------------------------

PERIOD = "abacus\n"


@pytest.fixture(scope="module", params=PAIRS)
def learned(request):
    """A model that has learned a periodic text, and its vocabulary."""
    mg.manual_seed(0)
    corpus = Corpus(PERIOD * 40)
    size = len(corpus.vocabulary)
    model = GPT(size, 16, 2, 2, 32) if request.param == "gpt" else CharLSTM(size, 32, 1)
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    windows, _ = corpus.windows(16)
    for _ in range(60):
        tokens, following = windows.__getitems__(mg.randint(0, len(windows), (8,)).tolist()).columns
        optimizer.zero_grad()
        F.cross_entropy(model(tokens).flatten(0, 1), following.flatten()).backward()
        optimizer.step()
    return model, corpus.vocabulary


def test_perplexity_reaches_that_of_the_text(learned):
    """Once two characters are seen, each follows from those before it: the perplexity is 1."""
    model, vocabulary = learned
    tokens = vocabulary.encode(PERIOD * 3)[:17].unsqueeze(0)
    with mg.no_grad():
        loss = F.cross_entropy(model(tokens[:, :-1])[0, 3:], tokens[0, 4:])
    assert math.exp(loss.item()) < 1.05


def test_a_learnt_text_is_continued(learned):
    model, vocabulary = learned
    for settings in ({"temperature": 0}, {"top_k": 1}, {"temperature": 0.1}):
        assert continuation(model, vocabulary, PERIOD, 70, **settings) == PERIOD * 10


def test_sampling_is_reproducible_and_leaves_the_mode(learned):
    model, vocabulary = learned
    drawn = []
    for training in (True, False):
        model.train(training)
        generator = mg.Generator().manual_seed(3)
        drawn.append(continuation(model, vocabulary, "a", 50, 3.0, generator=generator))
        assert model.training is training
        mg.manual_seed(3)
        assert continuation(model, vocabulary, "a", 50, 3.0) == drawn[-1]
    assert drawn[0] == drawn[1]
    mg.manual_seed(4)
    assert continuation(model, vocabulary, "a", 50, 3.0) != drawn[0]


class Fixed(LanguageModel):
    """The same scores whatever was before."""

    def advance(self, tokens, state=None):
        return mg.tensor([[1.0, 3.0, 2.0, 0.0]]), None


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, None), (0.5, None), (2.0, 2), (1.0, 9)])
def test_tokens_are_drawn_with_the_right_probabilities(temperature, top_k):
    drawn = sample_tokens(
        Fixed(), mg.tensor([0]), 20_000, temperature, top_k, mg.Generator().manual_seed(0)
    )
    weights = np.exp(np.array([1.0, 3.0, 2.0, 0.0]) / temperature)
    if top_k == 2:
        weights[[0, 3]] = 0
    found = np.bincount(drawn.numpy(), minlength=4) / 20_000
    np.testing.assert_allclose(found, weights / weights.sum(), atol=0.015)
    assert (found > 0).tolist() == (weights > 0).tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"prompt": "xyz"}, "'x', 'y', 'z' are not among the 6 characters"),
        ({"temperature": -1.0}, "temperature should be a finite number >= 0"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_k": 0}, "top_k should be at least 1"),
        ({"length": -1}, "length should be at least 0"),
    ],
)
def test_absurd_settings_are_refused(settings, message):
    given = {"prompt": "a", "length": 3, **settings}
    with pytest.raises(ValueError, match=message):
        continuation(CharLSTM(6, 4, 1), Vocabulary.of(PERIOD), **given)


# --- files ----------------------------------------------------------------------------------------


def test_a_saved_model_comes_back(learned, tmp_path):
    model, vocabulary = learned
    save_model(tmp_path / "m.safetensors", model, vocabulary, {"note": "small"})
    loaded = load_model(tmp_path / "m.safetensors")
    assert loaded.vocabulary == vocabulary
    assert loaded.model.sizes == model.sizes
    assert not loaded.model.training
    state = loaded.model.state_dict()
    assert all(state[key].equal(value) for key, value in model.state_dict().items())
    if isinstance(loaded.model, GPT):
        assert loaded.model.lm_head.weight is loaded.model.transformer["wte"].weight


def test_files_of_other_kinds_are_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("no weights")
    with pytest.raises(ValueError, match="is not a safetensors file"):
        load_model(path)
    mg.save({"weight": mg.ones(2)}, path, metadata={"model": "cnn", "data": "digits"})
    with pytest.raises(ValueError, match="header has no sizes and no vocabulary"):
        load_model(path)
    header = {"model": "cnn", "sizes": "{}", "vocabulary": '"ab"'}
    mg.save({"weight": mg.ones(2)}, path, metadata=header)
    with pytest.raises(ValueError, match="its header has the model 'cnn'"):
        load_model(path)
    with pytest.raises(TypeError, match="expects a CharLSTM or a GPT, got Fixed"):
        save_model(path, Fixed(), Vocabulary("ab"))


@pytest.mark.parametrize(
    "forged",
    [
        {"sizes": json.dumps({"vocab_size": 6, "hidden_size": 5, "num_layers": 1})},
        {"sizes": json.dumps({"vocab_size": 6, "colour": 5})},
        {"sizes": "null"},
        {"sizes": "{"},
        {"vocabulary": "3"},
        {"vocabulary": json.dumps("aa")},
    ],
)
def test_headers_that_do_not_fit_are_refused(tmp_path, forged):
    model = CharLSTM(6, 4, 1)
    header = {
        "model": "lstm",
        "sizes": json.dumps(model.sizes),
        "vocabulary": json.dumps("\nabcus"),
    }
    mg.save(model.state_dict(), tmp_path / "file", metadata={**header, **forged})
    with pytest.raises(ValueError, match="weights and header do not fit together"):
        load_model(tmp_path / "file")
    header["vocabulary"] = json.dumps("abc")
    mg.save(model.state_dict(), tmp_path / "file", metadata=header)
    with pytest.raises(ValueError, match="the vocabulary has 3 characters, the model 6 tokens"):
        load_model(tmp_path / "file")
