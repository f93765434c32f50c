"""The default generator, and what stands in for it in a scope."""

import copy
import pickle
import threading

import minigrad as mg
from minigrad.ops.generator import (
    Generator,
    ScopedGenerator,
    default_generator,
    default_generator_scope,
)


def test_a_scope_leaves_the_stream_outside_as_it_is():
    mg.manual_seed(3)
    expected = mg.rand(4).tolist()
    mg.manual_seed(3)
    with default_generator_scope(ScopedGenerator((1, 2), initial_seed=99)):
        assert mg.initial_seed() == 99
        first = mg.rand(4).tolist()
        mg.manual_seed(5)
        assert mg.initial_seed() == 5
        mg.rand(4)
    assert mg.initial_seed() == 3
    assert mg.rand(4).tolist() == expected != first


def test_a_scope_s_numbers_follow_from_its_key():
    def drawn(*key):
        with default_generator_scope(ScopedGenerator(key, 0)):
            return mg.rand(4).tolist(), mg.rand(4, generator=default_generator).tolist()

    assert drawn(1, 2) == drawn(1, 2) != drawn(1, 3)


def test_scopes_nest_and_end_with_an_error():
    inner, outer = (Generator().manual_seed(n) for n in (1, 2))
    before = default_generator.get_state().tolist()
    try:
        with default_generator_scope(outer):
            with default_generator_scope(inner):
                assert mg.initial_seed() == 1
            assert mg.initial_seed() == 2
            raise KeyError
    except KeyError:
        pass
    assert default_generator.get_state().tolist() == before


def test_a_scope_belongs_to_its_thread():
    seeds = []
    with default_generator_scope(Generator().manual_seed(41)):
        thread = threading.Thread(target=lambda: seeds.append(mg.initial_seed()))
        thread.start()
        thread.join()
    assert seeds == [mg.initial_seed()] != [41]


def test_copies_of_the_default_generator_are_the_default_generator():
    assert copy.deepcopy(default_generator) is default_generator
    assert pickle.loads(pickle.dumps(default_generator)) is default_generator
