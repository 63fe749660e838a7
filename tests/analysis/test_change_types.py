from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from dbtools.analysis.change_types import change_effects, changes_of, stored_types
from dbtools.analysis.query import records


def links(n=60, chains=3, effect=0.0, seed=1, types=("length", "structure", "wording")):
    rng = np.random.default_rng(seed)
    kinds = rng.choice(types, n)
    block = np.sort(rng.integers(0, chains, n))
    place = np.concatenate([np.arange(count) for count in np.bincount(block, minlength=chains)])
    parent = rng.normal(7, 1, n) + block
    mark = 0.6 * parent + effect * (kinds == "wording") + rng.normal(0, 0.5, n)
    return pd.DataFrame(
        {
            "scale": "judge",
            "prompt_id": block,
            "chain": 0,
            "position": place,
            "change_type": kinds,
            "parent_score": parent,
            "score": mark,
        },
    )


def columns_of(frame):
    return {name: frame[name].to_numpy() for name in frame}


def effects(changes, permutations=199, seed=2):
    return change_effects(columns_of(changes), np.random.default_rng(seed), permutations)


def test_effects_and_intervals_are_those_of_statsmodels():
    changes = links(effect=0.4)
    fit = smf.ols("score ~ C(change_type, Sum) + parent_score + C(prompt_id) + C(position)", changes).fit()
    low, high = fit.conf_int().T.to_numpy()
    by_name = dict(zip(fit.params.index, zip(fit.params, low, high, strict=True), strict=True))
    found = {e.change_type: (e.effect, e.low, e.high) for e in effects(changes)}
    assert found["length"] == pytest.approx(by_name["C(change_type, Sum)[S.length]"])
    assert found["structure"] == pytest.approx(by_name["C(change_type, Sum)[S.structure]"])
    assert sum(effect for effect, _, _ in found.values()) == pytest.approx(0, abs=1e-9)


def test_the_permuted_p_is_near_that_of_all_orders_of_the_residuals_within_chains():
    kinds, block, place = np.array(list("aabababbaa")), np.repeat([0, 1], 5), np.tile(range(5), 2)
    rng = np.random.default_rng(4)
    parent = rng.normal(0, 1, 10)
    mark = parent + (kinds == "a") + rng.normal(0, 1, 10)
    known = np.column_stack([parent, block == 0, block == 1, place, place**2])  # five levels would leave nothing
    full = np.column_stack([known, kinds == "a"])

    def left(columns, outcome):
        return outcome - columns @ np.linalg.lstsq(columns, outcome, rcond=None)[0]

    def explained(outcome):
        return 1 - (left(full, outcome) ** 2).sum() / (left(known, outcome) ** 2).sum()

    rest = left(known, mark)
    orders = [list(order) for order in permutations(range(5))]
    ways = [
        explained(mark - rest + rest[[*one, *(5 + i for i in other)]])
        for one, other in rng.permutation(list(product(orders, orders)))[:2000]
    ]
    near = np.mean(np.array(ways) >= explained(mark) - 1e-9)
    columns = {"scale": "judge", "prompt_id": block, "chain": 0, "position": place, "change_type": kinds}
    found = effects(pd.DataFrame(columns | {"parent_score": parent, "score": mark}), 1999)[0].p_any
    assert found == pytest.approx(near, abs=4 * (2 * near * (1 - near) / 2000) ** 0.5)


def test_early_rewrites_where_scores_rise_anyway_are_not_taken_for_an_effect():
    rng, claims = np.random.default_rng(7), 0
    for _ in range(40):
        place = np.tile(np.arange(1, 6), 20)
        block = np.repeat(np.arange(20), 5)
        kinds = np.where(rng.random(100) < np.where(place <= 2, 0.8, 0.15), "structure", "wording")
        level = rng.normal(6, 1, 20)[block]
        score = level + 0.25 * place + rng.normal(0, 0.5, 100)
        parent = np.where(place == 1, level + rng.normal(0, 0.5, 100), np.roll(score, 1))
        columns = {"scale": "judge", "prompt_id": block, "chain": 0, "position": place, "change_type": kinds}
        claims += effects(pd.DataFrame(columns | {"parent_score": parent, "score": score}), 99)[0].p_any < 0.05
    assert claims <= 6


def test_a_planted_effect_is_found_and_named():
    found = {e.change_type: e for e in effects(links(120, effect=1.0))}
    assert found["wording"].p < 0.05
    assert found["wording"].p_any < 0.05
    assert found["wording"].low < 2 / 3 < found["wording"].high


def test_chance_alone_seldom_makes_an_effect():
    p = [effects(links(36, seed=seed), 99, seed)[0].p_any for seed in range(100)]
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5


def test_one_type_alone_cannot_be_compared():
    only = effects(links(types=("other",)))
    assert [(e.effect, e.low, e.p, e.p_any) for e in only] == [(None, None, None, None)]
    assert only[0].n == 60


def test_a_type_that_is_a_chain_of_its_own_cannot_be_told_from_the_chain():
    changes = links(20, chains=2).assign(change_type=lambda d: np.where(d["prompt_id"] == 0, "length", "wording"))
    assert {e.effect for e in effects(changes)} == {None}


def test_two_changes_give_no_interval_and_no_error():
    assert {e.p for e in effects(links(2, chains=1, types=("length", "wording")))} <= {None, 1.0}


def test_equal_marks_show_no_effect():
    assert {e.p_any for e in effects(links().assign(score=7.0, parent_score=7.0))} == {1.0}


def test_only_links_between_scores_of_one_scale_count():
    timeline = pd.DataFrame(
        {
            "prompt_id": "p",
            "version_id": list("abcde"),
            "parent_version_id": [None, "a", "b", "c", "gone"],
            "chain": 0,
            "position": range(5),
            "scale": ["judge", "judge", "self", "judge", "judge"],
            "score": [5.0, 6.0, 15.0, None, 7.0],
            "change_type": "wording",
        }
    )
    changes = changes_of(columns_of(timeline))
    assert (changes["parent_version_id"].tolist(), changes["version_id"].tolist()) == (["a"], ["b"])


def test_stored_types_are_counted_against_the_texts():
    changes = pd.DataFrame(
        {"change_type": ["wording", "other", "other"], "parent_version_id": list("aaz"), "version_id": list("bbb")}
    )
    texts = {"a": "write a poem about rain", "b": "write a poem about snow"}
    assert records(stored_types(columns_of(changes), texts)) == [
        {"stored": "other", "recomputed": "wording", "n": 1},
        {"stored": "wording", "recomputed": "wording", "n": 1},
    ]
