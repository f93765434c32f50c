"""The published table of proofs has every rule, and bytes of state as they are."""

from pathlib import Path

import pytest

from minigrad import optim
from tests.support.optim.proof_table import SECTION, bytes_of_state, lines_of
from tests.support.optim.proofs import PROOFS
from tests.support.optim.table import TABLE

FILE = Path(__file__).parents[2] / "docs" / "tables" / "proofs.md"
ROWS = {
    line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]]
    for line in SECTION.read(FILE).splitlines()[2:]
}


def test_every_rule_is_in_the_table():
    assert ROWS.keys() == PROOFS.keys() | TABLE.keys()


@pytest.mark.parametrize("name", [name for name in PROOFS if PROOFS[name].reference])
def test_what_the_table_says_is_within_the_tolerance(name):
    worst, _, lines = ROWS[name][1:4]
    assert float(worst) <= PROOFS[name].tolerance
    assert lines == lines_of(getattr(optim, name))


@pytest.mark.parametrize("name", TABLE)
def test_rules_of_torch_are_within_a_thousand_roundings(name):
    assert float(ROWS[name][1]) <= 1e-12


@pytest.mark.parametrize("name", ["Adam", "CAME", "Amos", "Lion", "SM3", "Shampoo"])
def test_bytes_of_state_are_those_of_the_table(name):
    assert ROWS[name][4] == f"{bytes_of_state(getattr(optim, name)):.4g}"
