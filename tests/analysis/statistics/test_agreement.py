from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.inter_rater import cohens_kappa

from dbtools.analysis.statistics.agreement import agreement


def of(table):
    counts = np.asarray(table)
    return agreement(counts.sum(), np.trace(counts), counts.sum(axis=1), counts.sum(axis=0))


@pytest.mark.parametrize("table", [[[20, 5], [10, 15]], [[11, 2, 1], [0, 9, 4], [3, 3, 30]]])
def test_kappa_is_that_of_statsmodels(table):
    assert of(table).kappa == pytest.approx(cohens_kappa(table).kappa)
    assert not of(table).kappa_degenerate


def test_ac1_is_that_of_a_published_example():
    # Gwet (2008), table 2: raters A and B, 125 patients: 118, 5, 2 and 0.
    found = of([[118, 5], [2, 0]])
    assert found.raw == pytest.approx(0.944)
    assert found.ac1 == pytest.approx(0.9408, abs=5e-4)
    assert found.kappa == pytest.approx(-0.0234, abs=5e-4)


def test_a_rater_of_one_category_makes_kappa_degenerate_but_not_ac1():
    found = agreement(15, 11, (11, 2, 2), (15, 0, 0))
    assert (found.kappa, found.kappa_degenerate) == (pytest.approx(0), True)
    assert found.ac1 == pytest.approx(0.697, abs=5e-4)


def test_without_contests_or_with_one_category_there_is_nothing_to_tell():
    assert agreement(0, 0, (), ()).raw is None
    alone = agreement(4, 4, (4,), (4,))
    assert (alone.raw, alone.kappa, alone.ac1, alone.kappa_degenerate) == (1, None, None, True)
