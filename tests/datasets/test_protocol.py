"""The split against a second implementation: the notebook's steps as plain pandas."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from vaebench.components import create
from vaebench.datasets.planted import Planted
from vaebench.datasets.protocol import LABELS, Given, Protocol, Ratings, Split, Temporal, split
from vaebench.errors import ConfigError, DataError

Pairs = set[tuple[int, int]]
PARTS = ("validation", "test")


@dataclass(frozen=True)
class Expected:
    """The outcome in raw ids."""

    items: list[int]
    users: dict[str, list[int]]
    pairs: dict[str, Pairs]
    counts: dict[str, int]


def pairs_of(frame: pd.DataFrame) -> Pairs:
    return set(zip(frame["user"].tolist(), frame["item"].tolist(), strict=True))


def slow_split(frame: pd.DataFrame, protocol: Protocol) -> Expected | None:
    """The split step by step in raw ids; None where no user is left for training."""
    users_of_item = frame.groupby("item").size()
    frequent = users_of_item[users_of_item >= protocol.min_users_per_item].index
    frame = frame[frame["item"].isin(frequent)]
    items_of_user = frame.groupby("user").size()
    active = items_of_user[items_of_user >= protocol.min_items_per_user].index
    frame = frame[frame["user"].isin(active)]

    everyone = np.array(sorted(frame["user"].unique().tolist()))
    shuffled = everyone[np.random.RandomState(protocol.seed).permutation(len(everyone))]
    training = len(everyone) - protocol.validation_users - protocol.test_users
    if training <= 0:
        return None
    before_test = training + protocol.validation_users
    members = {
        "validation": shuffled[training:before_test].tolist(),
        "test": shuffled[before_test:].tolist(),
    }
    counts = {
        "interactions": len(frame),
        "users": len(everyone),
        "items": frame["item"].nunique(),
    }

    train = frame[frame["user"].isin(shuffled[:training])]
    vocabulary = pd.unique(train["item"]).tolist()
    users = {"train": shuffled[:training].tolist()}
    pairs = {"train": pairs_of(train)}
    for part in PARTS:
        rows = frame[frame["user"].isin(members[part]) & frame["item"].isin(vocabulary)]
        random = np.random.RandomState(protocol.seed)
        fold_in, held_out = [], []
        for _, group in rows.groupby("user", sort=True):
            chosen = np.zeros(len(group), dtype=bool)
            if len(group) >= protocol.min_items_to_hold_out:
                size = int(protocol.held_out_share * len(group))
                chosen[random.choice(len(group), size=size, replace=False)] = True
            fold_in += list(pairs_of(group[~chosen]))
            held_out += list(pairs_of(group[chosen]))
        left = set(rows["user"].tolist())
        users[part] = [user for user in members[part] if user in left]
        pairs[f"{part}_fold_in"], pairs[f"{part}_held_out"] = set(fold_in), set(held_out)
        counts[f"{part}_users_without_items"] = len(members[part]) - len(left)
        counts[f"{part}_users_without_target"] = len(left) - len({user for user, _ in held_out})
        counts[f"{part}_held_out_interactions"] = len(held_out)
    return Expected(vocabulary, users, pairs, counts)


def as_ratings(frame: pd.DataFrame) -> Ratings:
    users, user_ids = pd.factorize(frame["user"].to_numpy(), sort=True)
    items, item_ids = pd.factorize(frame["item"].to_numpy(), sort=True)
    return Ratings(users, items, user_ids, item_ids)


def in_raw_ids(result: Split, name: str) -> Pairs:
    matrix = result.matrices[name].tocoo()
    user_ids = result.ids[f"{name.split('_', maxsplit=1)[0]}_users"]
    users, items = user_ids[matrix.row], result.ids["items"][matrix.col]
    return set(zip(users.tolist(), items.tolist(), strict=True))


def assert_same(result: Split, expected: Expected) -> None:
    assert result.ids["items"].tolist() == expected.items
    for part, users in expected.users.items():
        assert result.ids[f"{part}_users"].tolist() == users
    assert set(result.matrices) == set(expected.pairs)
    for name, pairs in expected.pairs.items():
        assert in_raw_ids(result, name) == pairs
        matrix = result.matrices[name]
        assert matrix.nnz == len(pairs)
        assert matrix.shape == (len(expected.users[name.split("_")[0]]), len(expected.items))
        assert matrix.has_sorted_indices
        assert (matrix.data == 1).all()
    assert {name: result.counts[name] for name in expected.counts} == expected.counts


def interactions(seed: int, users: int, items: int, share: float) -> pd.DataFrame:
    """Distinct pairs in random order, the ids scattered, the items of unequal popularity."""
    random = np.random.default_rng(seed)
    liked = random.random((users, items)) < share * 2 * random.random(items)
    rows, columns = np.nonzero(liked)
    user_ids = random.choice(10_000, users, replace=False)
    item_ids = random.choice(10_000, items, replace=False)
    frame = pd.DataFrame({"user": user_ids[rows], "item": item_ids[columns]})
    return frame.sample(frac=1, random_state=seed).reset_index(drop=True)


@example(  # no held-out user has an item of the training users
    data=pd.DataFrame({"user": range(6), "item": range(6)}),
    protocol=Protocol(min_items_per_user=0, validation_users=2, test_users=2),
)
@given(
    data=st.builds(
        interactions,
        st.integers(0, 2**32 - 1),
        st.integers(1, 40),
        st.integers(1, 25),
        st.floats(0.05, 0.9),
    ),
    protocol=st.builds(
        Protocol,
        min_items_per_user=st.integers(0, 7),
        min_users_per_item=st.integers(0, 5),
        validation_users=st.integers(1, 8),
        test_users=st.integers(1, 8),
        seed=st.sampled_from([98_765, 0, 7]),
        held_out_share=st.sampled_from([0.2, 0.5]),
        min_items_to_hold_out=st.sampled_from([5, 1, 9]),
    ),
)
def test_any_interactions_are_split_as_the_slow_way(data: pd.DataFrame, protocol: Protocol) -> None:
    expected = slow_split(data, protocol)
    if expected is None:
        with pytest.raises(DataError, match="at least one must be left for training"):
            split(as_ratings(data), protocol)
    else:
        assert_same(split(as_ratings(data), protocol), expected)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("filters", [(0, 0), (5, 0), (0, 12), (12, 25)])
def test_larger_interactions_are_split_as_the_slow_way(seed: int, filters: tuple[int, int]) -> None:
    frame = interactions(seed, users=300, items=80, share=0.2)
    protocol = Protocol(
        min_items_per_user=filters[0],
        min_users_per_item=filters[1],
        validation_users=40,
        test_users=50,
    )
    expected = slow_split(frame, protocol)
    assert expected is not None
    assert min(len(pairs) for pairs in expected.pairs.values()) > 0
    assert_same(split(as_ratings(frame), protocol), expected)


def test_items_are_filtered_before_users() -> None:
    """User 1 has two items, one of them rare: it goes only if the rare item goes first."""
    frame = pd.DataFrame(
        {"user": [1, 1, 2, 2, 3, 3, 4, 4], "item": [10, 99, 10, 11, 10, 11, 10, 11]}
    )
    protocol = Protocol(
        min_items_per_user=2, min_users_per_item=2, validation_users=1, test_users=1
    )
    result = split(as_ratings(frame), protocol)
    assert result.counts["users"] == 3
    assert 1 not in np.concatenate([result.ids[f"{part}_users"] for part in ("train", *PARTS)])
    assert 99 not in result.ids["items"]


def test_users_with_few_rows_have_no_target_and_are_counted() -> None:
    """Users 0 … 9 have 4 rows, users 10 … 19 have 5: int(.2·5) = 1 is held out."""
    rows = [(user, item) for user in range(20) for item in range(4 if user < 10 else 5)]
    result = split(
        as_ratings(pd.DataFrame(rows, columns=["user", "item"])),
        Protocol(min_items_per_user=0, validation_users=6, test_users=8),
    )
    few = 0
    for part, members in zip(PARTS, (6, 8), strict=True):
        ids = result.ids[f"{part}_users"]
        assert len(ids) == members
        targets = np.diff(result.matrices[f"{part}_held_out"].indptr)
        assert targets.tolist() == (ids >= 10).astype(int).tolist()
        assert result.counts[f"{part}_users_without_target"] == (ids < 10).sum()
        few += (ids < 10).sum()
    assert few > 0


def test_held_out_users_are_strangers_to_training() -> None:
    frame = interactions(5, users=200, items=50, share=0.3)
    result = split(as_ratings(frame), Protocol(validation_users=30, test_users=40))
    users = {part: set(result.ids[f"{part}_users"].tolist()) for part in ("train", *PARTS)}
    assert not users["train"] & users["validation"]
    assert not users["train"] & users["test"]
    assert not users["validation"] & users["test"]
    assert sum(map(len, users.values())) == result.counts["users"]
    for part in PARTS:
        assert not in_raw_ids(result, f"{part}_fold_in") & in_raw_ids(result, f"{part}_held_out")


def test_weights_follow_their_pairs() -> None:
    frame = interactions(6, users=60, items=20, share=0.4)
    weight = (frame["user"] * 7 + frame["item"] * 13) % 31 + 1
    plain = as_ratings(frame)
    ratings = Ratings(
        plain.users,
        plain.items,
        plain.user_ids,
        plain.item_ids,
        weight.to_numpy(np.float32),
    )
    result = split(ratings, Protocol(validation_users=10, test_users=10))
    for name, matrix in result.matrices.items():
        entries = scipy.sparse.coo_matrix(matrix)
        users = result.ids[f"{name.split('_', maxsplit=1)[0]}_users"][entries.row]
        items = result.ids["items"][entries.col]
        assert entries.data.tolist() == ((users * 7 + items * 13) % 31 + 1).tolist()


@pytest.mark.parametrize("part", ["train", *PARTS])
def test_pairs_that_occur_twice_are_refused(part: str) -> None:
    """Also where the hold-out would put the two rows into different matrices."""
    frame = interactions(7, users=60, items=30, share=0.5)
    protocol = Protocol(validation_users=10, test_users=10)
    result = split(as_ratings(frame), protocol)
    for user in result.ids[f"{part}_users"]:
        known = frame[frame["item"].isin(result.ids["items"]) & (frame["user"] == user)]
        twice = pd.concat([frame, known.iloc[[0]]])
        with pytest.raises(DataError, match=r"^1 \(user, item\) pairs occur more than once"):
            split(as_ratings(twice), protocol)


def test_too_few_users_are_refused_in_one_sentence() -> None:
    frame = pd.DataFrame({"user": np.repeat(np.arange(4), 6), "item": np.tile(np.arange(6), 4)})
    with pytest.raises(DataError) as caught:
        split(as_ratings(frame), Protocol(validation_users=2, test_users=2))
    message = str(caught.value)
    assert "\n" not in message
    assert "2 validation and 2 test users are not allowed; 4 users remain" in message
    assert split(as_ratings(frame), Protocol(validation_users=2, test_users=1)).counts[
        "train_users"
    ]


def test_no_interaction_left_is_refused() -> None:
    frame = interactions(8, users=20, items=20, share=0.2)
    with pytest.raises(DataError, match="0 users remain"):
        split(as_ratings(frame), Protocol(min_items_per_user=21, validation_users=1, test_users=1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"validation_users": 0},
        {"test_users": 0},
        {"held_out_share": 0.0},
        {"held_out_share": 1.0},
        {"min_items_per_user": -1},
        {"min_items": 5},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Protocol.model_validate(wrong)


def labelled(frame: pd.DataFrame) -> Ratings:
    plain = as_ratings(frame)
    labels = frame["part"].map(LABELS.index).to_numpy(np.int8)
    times = frame["time"].to_numpy() if "time" in frame else None
    return Ratings(
        plain.users, plain.items, plain.user_ids, plain.item_ids, times=times, labels=labels
    )


def slow_given(
    frame: pd.DataFrame, min_items_per_user: int = 0, min_users_per_item: int = 0
) -> Expected | None:
    """Row after row by the rows' labels, in raw ids; None where nothing is left for training."""
    rows = list(zip(frame["user"].tolist(), frame["item"].tolist(), frame["part"], strict=True))
    train = [(user, item) for user, item, part in rows if part == "train"]
    train = [
        (user, item)
        for user, item in train
        if sum(other == item for _, other in train) >= min_users_per_item
    ]
    train = [
        (user, item)
        for user, item in train
        if sum(other == user for other, _ in train) >= min_items_per_user
    ]
    if not train:
        return None
    vocabulary = list(dict.fromkeys(item for _, item in train))
    users = {"train": sorted({user for user, _ in train})}
    pairs = {"train": set(train)}
    counts = {"train_users": len(users["train"]), "train_interactions": len(train)}
    for part in PARTS:
        own = f"{part}_fold_in"
        before = {"validation": {"train"}, "test": {"train", "validation"}}[part]
        before = {own} if any(label == own for _, _, label in rows) else before
        users[part] = []
        pairs[own], pairs[f"{part}_held_out"] = set(), set()
        dropped = 0
        for user in sorted({user for user, _, label in rows if label == part}):
            of_user = [(i, label) for u, i, label in rows if u == user and i in vocabulary]
            seen = {item for item, label in of_user if label in before}
            wanted = {item for item, label in of_user if label == part}
            if not seen or not wanted:
                dropped += 1
                continue
            users[part].append(user)
            pairs[own] |= {(user, item) for item in seen}
            pairs[f"{part}_held_out"] |= {(user, item) for item in wanted}
        counts[f"{part}_users_without_items"] = dropped
        counts[f"{part}_users"] = len(users[part])
        counts[f"{part}_users_without_target"] = 0
    return Expected(vocabulary, users, pairs, counts)


small = st.builds(
    interactions,
    st.integers(0, 2**32 - 1),
    st.integers(1, 25),
    st.integers(1, 15),
    st.floats(0.05, 0.9),
)


@example(data=interactions(1, 1, 8, 0.5), seed=24, kinds=3)
@given(data=small, seed=st.integers(0, 99), kinds=st.sampled_from([3, 4, 5]))
def test_a_given_split_is_that_of_the_slow_way(data: pd.DataFrame, seed: int, kinds: int) -> None:
    """With the fold-in rows named for no part, for validation alone, or for both."""
    random = np.random.default_rng(seed)
    weights = np.array([6, 2, 2, 2, 2])[:kinds]
    drawn = random.choice(LABELS[:kinds], len(data), p=weights / weights.sum())
    frame = data.assign(part=drawn)
    if "validation" not in drawn:  # some training rows become them, as in strong generalisation
        order = np.random.RandomState(98_765)
        for _, rows in frame[frame["part"] == "train"].groupby("user", sort=True):
            if len(rows) >= 5:
                chosen = order.choice(len(rows), size=len(rows) // 5, replace=False)
                frame.loc[rows.index[chosen], "part"] = "validation"
    expected = slow_given(frame)
    if expected is None:
        with pytest.raises(DataError, match="no training interaction remains"):
            split(labelled(data.assign(part=drawn)), Given(column="part"))
    else:
        assert_same(split(labelled(data.assign(part=drawn)), Given(column="part")), expected)


@given(
    data=small,
    seed=st.integers(0, 99),
    moments=st.sampled_from([1, 3, 20, 10**9]),
    how=st.builds(
        Temporal,
        validation_share=st.sampled_from([0.1, 0.25]),
        test_share=st.sampled_from([0.1, 0.3]),
        min_items_per_user=st.integers(0, 4),
        min_users_per_item=st.integers(0, 4),
    ),
)
def test_a_temporal_split_is_that_of_the_slow_way(
    data: pd.DataFrame, seed: int, moments: int, how: Temporal
) -> None:
    """From the last row back: a moment is test as soon as one of its rows must be."""
    frame = data.assign(time=np.random.default_rng(seed).integers(0, moments, len(data)))
    times, n = sorted(frame["time"]), len(frame)
    test, validation = int(n * how.test_share), int(n * how.validation_share)
    part = pd.Series("train", index=frame.index)
    if test and validation:
        first_test, first_validation = times[-test], times[-test - validation]
        part[frame["time"] >= first_validation] = "validation"
        part[frame["time"] >= first_test] = "test"
    frame["part"] = part
    if set(part) != {"train", "validation", "test"}:
        with pytest.raises(DataError, match="at least one of each"):
            split(labelled(frame), how)
        return
    expected = slow_given(frame, how.min_items_per_user, how.min_users_per_item)
    if expected is None:
        with pytest.raises(DataError, match="no training interaction remains"):
            split(labelled(frame), how)
        return
    result = split(labelled(frame), how)
    assert_same(result, expected)
    when = {(u, i): t for u, i, t in zip(frame["user"], frame["item"], frame["time"], strict=True)}
    latest = max(when[pair] for pair in in_raw_ids(result, "train"))
    for name in PARTS:
        held_out = in_raw_ids(result, f"{name}_held_out")
        assert all(when[pair] > latest for pair in held_out), "nothing is learnt from what follows"
        for user, item in in_raw_ids(result, f"{name}_fold_in"):
            later = [when[pair] for pair in held_out if pair[0] == user]
            assert when[user, item] < min(later)


def test_a_pair_in_fold_in_and_held_out_is_refused() -> None:
    frame = pd.DataFrame({"user": [1, 1, 1], "item": [5, 6, 5], "part": ["train", "train", "test"]})
    with pytest.raises(DataError, match=r"1 \(user, item\) pairs occur more than once"):
        split(labelled(frame), Given(column="part"))


def test_data_without_times_or_parts_are_refused() -> None:
    plain = as_ratings(interactions(1, 20, 20, 0.3))
    with pytest.raises(DataError, match="no times are known"):
        split(plain, Temporal())
    with pytest.raises(DataError, match="no parts are given"):
        split(plain, Given(column="part"))


def test_nobody_to_rank_for_is_refused_before_training() -> None:
    """Users of four items hold out none: validation would be empty of numbers."""
    lonely = Planted(
        users=300,
        mean_interactions=5.5,
        split=Protocol(
            min_items_per_user=0, validation_users=20, test_users=20, min_items_to_hold_out=400
        ),
    )
    with pytest.raises(DataError, match="none of 20 validation users has a held-out item"):
        lonely.parts(None)


TABLE = {"class": "ratings_table.RatingsTable", "path": "x.csv", "user": "u", "item": "i"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "random"}, r"split.kind: 'random' is not allowed; allowed: .*'temporal'"),
        ({"validation_users": 0}, r"split.validation_users: 0 is not allowed; it should be"),
        ({"min_items": 5}, r"split.min_items: unknown key; allowed: held_out_share, kind, min_i"),
        ({"kind": "temporal", "seed": 1}, r"split.seed: unknown key; allowed: kind, min_items_per"),
        ({"kind": "temporal", "test_share": 1.0}, r"split.test_share: 1.0 is not allowed"),
        ({"kind": "temporal", "test_share": 0.95}, r"split: .* should leave a share for training"),
        ({"kind": "temporal"}, r"split: temporal needs time"),
        ({"kind": "given"}, r"split: .* should have either column or files"),
        ({"kind": "given", "files": {"train": "a"}}, r"should not have files.train"),
        ({"kind": "given", "files": {"dev": "a"}}, r"split.files.dev"),
        ("temporal", r"split: 'temporal' is not allowed"),
    ],
)
def test_what_is_no_split_is_refused_in_one_sentence(wrong: object, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        create("vaebench.datasets", TABLE | {"split": wrong})
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def ml_1m(raw_folder: Callable[[str], Path]) -> pd.DataFrame:
    """The ratings ≥ 4 of MovieLens-1M, in the file's order, read by pandas alone."""
    table = pd.read_csv(raw_folder("ml-1m/ratings.csv"))
    liked = table[table["rating"] >= 4]
    return liked.rename(columns={"userId": "user", "movieId": "item"}).reset_index(drop=True)


ML_1M = Protocol(validation_users=750, test_users=750)


def test_ml_1m_has_the_counts_measured_with_public_code(ml_1m: pd.DataFrame) -> None:
    result = split(as_ratings(ml_1m), ML_1M)
    assert result.counts == {
        "interactions": 575_272,
        "users": 6_034,
        "items": 3_533,
        "training_items": 3_483,
        "train_users": 4_534,
        "train_interactions": 435_180,
        "validation_users": 750,
        "validation_interactions": 57_163 + 13_915,
        "validation_users_without_items": 0,
        "validation_held_out_interactions": 13_915,
        "validation_users_without_target": 0,
        "test_users": 750,
        "test_interactions": 55_473 + 13_483,
        "test_users_without_items": 0,
        "test_held_out_interactions": 13_483,
        "test_users_without_target": 0,
    }
    stored = {name: (matrix.shape, matrix.nnz) for name, matrix in result.matrices.items()}
    assert stored == {
        "train": ((4_534, 3_483), 435_180),
        "validation_fold_in": ((750, 3_483), 57_163),
        "validation_held_out": ((750, 3_483), 13_915),
        "test_fold_in": ((750, 3_483), 55_473),
        "test_held_out": ((750, 3_483), 13_483),
    }


def test_ml_1m_is_split_as_the_slow_way(ml_1m: pd.DataFrame) -> None:
    expected = slow_split(ml_1m, ML_1M)
    assert expected is not None
    assert_same(split(as_ratings(ml_1m), ML_1M), expected)
