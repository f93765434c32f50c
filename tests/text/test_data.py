"""Vocabularies, windows and corpora."""

import gzip

import numpy as np
import pytest

import minigrad as mg
from minigrad.text import Corpus, TinyShakespeare, Vocabulary, Windows, read_text
from minigrad.utils.data import DataLoader
from tests.support.dataset_files import REAL

VERSE = "shall i compare thee to a summer's day?\n" * 40


def test_text_becomes_tokens_and_back():
    vocabulary = Vocabulary.of(VERSE)
    tokens = vocabulary.encode(VERSE)
    assert tokens.dtype == mg.int64
    assert vocabulary.decode(tokens) == vocabulary.decode(tokens.tolist()) == VERSE
    assert list(vocabulary.characters) == sorted(set(VERSE))
    assert "s" in vocabulary
    assert "z" not in vocabulary
    assert vocabulary == Vocabulary(vocabulary.characters) != Vocabulary("ab")
    assert vocabulary.encode("").shape == (0,)


def test_characters_beyond_ascii_are_single():
    text = "für Ωmega: 雪 ❄\U0001f600"
    vocabulary = Vocabulary.of(text)
    assert len(vocabulary) == len(set(text))
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_unknown_characters_are_named():
    vocabulary = Vocabulary("abc")
    with pytest.raises(ValueError, match=r"'é' is not among the 3 characters .*: 'abc'"):
        vocabulary.encode("abé")
    with pytest.raises(ValueError, match=r"'D', 'é' are not among"):
        vocabulary.encode("éDD")
    with pytest.raises(ValueError, match=r"and 10 more are not among"):
        vocabulary.encode("".join(map(chr, range(400, 430))))


@pytest.mark.parametrize("token", [-1, 3])
def test_tokens_out_of_range_are_refused(token):
    with pytest.raises(IndexError, match=rf"token {token} is not in a vocabulary of 3"):
        Vocabulary("abc").decode([0, token])


@pytest.mark.parametrize(
    ("characters", "message"), [("", "at least one"), ("aba", "once"), (["ab"], "single")]
)
def test_absurd_vocabularies_are_refused(characters, message):
    with pytest.raises(ValueError, match=message):
        Vocabulary(characters)


@pytest.mark.parametrize("stride", [1, 3, 5])
def test_windows_are_every_part_of_the_text(stride):
    tokens = mg.arange(23)
    windows = Windows(tokens, 5, stride)
    starts = range(0, 23 - 5, stride)
    assert len(windows) == len(starts)
    for i, start in enumerate(starts):
        for index in (i, i - len(windows)):
            given, following = windows[index]
            assert given.tolist() == list(range(start, start + 5))
            assert following.tolist() == list(range(start + 1, start + 6))
    with pytest.raises(IndexError, match="out of range"):
        windows[len(windows)]


def test_windows_make_batches():
    windows = Windows(mg.arange(40), 4, stride=2)
    batches = list(DataLoader(windows, 5))
    for which in (0, 1):
        joined = np.concatenate([batch[which].numpy() for batch in batches])
        single = np.stack([windows[i][which].numpy() for i in range(len(windows))])
        np.testing.assert_array_equal(joined, single)


@pytest.mark.parametrize(("context", "stride"), [(0, 1), (3, 0), (10, 1), (11, 1)])
def test_windows_that_cannot_be_cut_are_refused(context, stride):
    with pytest.raises(ValueError, match="expect"):
        Windows(mg.arange(10), context, stride)


def test_a_corpus_is_the_whole_text():
    corpus = Corpus(VERSE, validation=0.25)
    tokens = mg.cat([corpus.train, corpus.validation])
    assert corpus.vocabulary.decode(tokens) == VERSE
    assert len(corpus.validation) == len(VERSE) // 4
    train, validation = corpus.windows(7)
    assert len(train) == len(corpus.train) - 7
    covered = mg.cat([validation[i][0] for i in range(len(validation))])
    assert corpus.validation[: len(covered)].equal(covered)
    assert len(corpus.validation) - len(covered) <= 7


def test_a_short_corpus_is_refused():
    with pytest.raises(ValueError, match=r"20 characters 18 are for training and 2 for validation"):
        Corpus("0123456789" * 2).windows(8)
    for part in (0, 1, -0.5):
        with pytest.raises(ValueError, match="a part of the text"):
            Corpus(VERSE, validation=part)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", ["text.txt", "text.txt.gz"])
def test_files_are_read_in_every_form(tmp_path, ending, name):
    content = f"erste Zeile{ending}für{ending}".encode("utf-8-sig")
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_text(tmp_path / name) == "erste Zeile\nfür\n"


def test_files_without_text_are_refused(tmp_path):
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.txt is empty"):
        read_text(tmp_path / "empty.txt")
    (tmp_path / "latin.txt").write_bytes("schön".encode("latin1"))
    with pytest.raises(ValueError, match=r"latin\.txt is not UTF-8: byte 0xf6 at position 3"):
        read_text(tmp_path / "latin.txt")
    with pytest.raises(FileNotFoundError):
        read_text(tmp_path / "none.txt")


@pytest.mark.parametrize("folder", ["tinyshakespeare", "text", ""])
def test_tinyshakespeare_is_found_at_the_usual_places(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "tinyshakespeare.txt").write_text(VERSE)
    assert TinyShakespeare.located(tmp_path) == tmp_path / folder
    corpus = TinyShakespeare(tmp_path, download=True)
    assert len(corpus.train) + len(corpus.validation) == len(VERSE)


def test_a_missing_tinyshakespeare_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(TinyShakespeare, "mirrors", ["http://127.0.0.1:9/"])
    assert TinyShakespeare.located(tmp_path) is None
    with pytest.raises(RuntimeError, match=r"TinyShakespeare not found: looked for tinysh"):
        TinyShakespeare(tmp_path)
    with pytest.raises(RuntimeError, match=r"Error downloading tinyshakespeare\.txt"):
        TinyShakespeare(tmp_path, download=True)


@pytest.mark.skipif(
    TinyShakespeare.located(REAL) is None, reason=f"tinyshakespeare.txt is not in {REAL}"
)
def test_the_published_text():
    corpus = TinyShakespeare(REAL)
    assert len(corpus.vocabulary) == 65
    assert (len(corpus.train), len(corpus.validation)) == (1_003_855, 111_539)
    assert corpus.vocabulary.decode(corpus.train[:14]) == "First Citizen:"
