"""Every case of the folder against this code; ``PARITY_DATA=DIR`` points to another folder."""
from .conftest import PROPERTY
from .differences import Differences, report
from .kinds import checks_of


def test_case(case, kind, record_property):
    differences = Differences(case)
    checks_of(case)[kind](case, differences)
    record_property(PROPERTY, [kind, *(tuple(entry) for entry in differences.summary())])
    assert not differences.outside, report(differences.outside)
