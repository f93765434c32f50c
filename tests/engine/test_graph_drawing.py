"""The drawn graph has the operations and leaves of the computation, and no others."""

import doctest
import shutil

import pytest

import minigrad as mg
from minigrad.utils import graph_drawing
from minigrad.vision.models import LectureCNN


def test_the_example_in_the_docstring():
    assert doctest.testmod(graph_drawing).failed == 0


def test_a_model_shows_its_parameters_by_name():
    model = LectureCNN()
    dot = mg.utils.graph(model, (1, 1, 28, 28)).dot
    for name, parameter in model.named_parameters():
        assert f'label="{name} {list(parameter.shape)}"' in dot
    assert dot.count('label="conv2d"') == 2
    assert dot.count("fillcolor") == dot.count("label")


def test_a_place_shared_by_two_ways_is_drawn_once():
    x = mg.tensor([1.0], requires_grad=True)
    y = x.exp()
    dot = mg.utils.graph(y * y + y).dot
    assert dot.count('label="exp"') == 1
    assert dot.count("->") == 1 + 2 + 2 + 1  # result, add, mul, exp


def test_a_long_chain_is_no_problem():
    x = y = mg.tensor([1.0], requires_grad=True)
    for _ in range(20_000):
        y = y + 1
    assert mg.utils.graph(y).dot.count('label="add"') == 20_000
    assert x.grad is None


def test_saving(tmp_path, monkeypatch):
    drawing = mg.utils.graph(mg.ones(1, requires_grad=True) * 2)
    drawing.save(tmp_path / "g.dot")
    assert (tmp_path / "g.dot").read_text() == str(drawing)
    with pytest.raises(ValueError, match=r"got 'g.bmp'"):
        drawing.save(tmp_path / "g.bmp")
    if shutil.which("dot"):
        drawing.save(tmp_path / "g.svg")
        assert b"<svg" in (tmp_path / "g.svg").read_bytes()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert drawing._repr_svg_() is None
    assert repr(drawing) == drawing.dot  # what a notebook shows then
    with pytest.raises(RuntimeError, match="needs Graphviz"):
        drawing.save(tmp_path / "h.svg")
    assert not (tmp_path / "h.svg").exists()


def test_refusals():
    with pytest.raises(ValueError, match="no graph"):
        mg.utils.graph(mg.ones(1))
    with pytest.raises(ValueError, match="input_size"):
        mg.utils.graph(mg.nn.Linear(2, 3))
    with pytest.raises(TypeError, match="got list"):
        mg.utils.graph([1])
