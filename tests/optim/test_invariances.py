"""What rules take no notice of: scale, place, order and division of parameters, as declared."""

import pytest

from tests.support.optim.invariances import CHANGES, LACKS, holds, lacks
from tests.support.optim.proofs import PROOFS
from tests.support.optim.table import TABLE

RULES = sorted(PROOFS.keys() | TABLE.keys())
PAIRS = [(name, change) for name in RULES for change in CHANGES]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")


def test_the_declaration_names_rules():
    for reasons in LACKS.values():
        assert {name for names in reasons.values() for name in names.split()} <= set(RULES)


@pytest.mark.parametrize(("name", "change"), [p for p in PAIRS if not lacks(*p)])
def test_a_rule_takes_no_notice(name, change):
    assert holds(name, change, seed=0)


@pytest.mark.parametrize(("name", "change"), [p for p in PAIRS if lacks(*p)])
def test_a_rule_that_is_said_to_take_notice_does(name, change):
    assert not all(holds(name, change, seed) for seed in range(6))
