"""Frey Face, and foreign pickles that would do harm."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from vaebench.datasets.fetch import verify
from vaebench.datasets.frey_face import FreyFace, read_frames, unpickled
from vaebench.errors import DataError

FRAMES = np.random.default_rng(0).integers(0, 256, (12, 560), dtype=np.uint8)


def test_the_real_file(raw_folder: Callable[[str], Path], tmp_path: Path) -> None:
    raw = raw_folder("frey-faces/freyfaces.pkl")
    verify(raw, FreyFace().raw_files()[0])
    frames = read_frames(raw)
    assert frames.shape == (1_965, 560)
    neighbours = np.abs(frames[1:] - frames[:-1]).mean()
    shuffled = frames[np.random.default_rng(0).permutation(1_965)]
    assert neighbours < 0.6 * np.abs(shuffled[1:] - shuffled[:-1]).mean(), "a film, in its order"
    FreyFace().write_split(raw, tmp_path, {})
    rows = [np.load(tmp_path / f"{part}_rows.npy") for part in ("train", "validation", "test")]
    assert [len(part) for part in rows] == [1_565, 200, 200]
    assert sorted(np.concatenate(rows)) == list(range(1_965))
    np.testing.assert_array_equal(np.load(tmp_path / "test.npy"), frames[rows[2]])


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickled_and_matlab_frames_are_the_same(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "f.pkl").write_bytes(pickle.dumps(FRAMES, protocol=protocol))
    scipy.io.savemat(tmp_path / "f.mat", {"ff": FRAMES.T})
    for name in ("f.pkl", "f.mat"):
        np.testing.assert_array_equal(
            read_frames(tmp_path / name), FRAMES.astype(np.float32) / np.float32(255)
        )


class Harm:
    """A pickle that makes a folder where it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_is_never_run(tmp_path: Path, protocol: int) -> None:
    """Also inside an array of objects; plain pickle would have run it."""
    harmful = pickle.dumps(Harm(str(tmp_path / "one")), protocol=protocol)
    inside = np.empty(1, object)
    inside[0] = Harm(str(tmp_path / "one"))
    for content in (harmful, pickle.dumps(inside, protocol=protocol)):
        path = tmp_path / "f.pkl"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"not a pickle of arrays alone \(it asks for") as found:
            unpickled(path)
        assert "mkdir" in str(found.value)
        assert not (tmp_path / "one").exists()
    pickle.loads(harmful)  # noqa: S301 (ours: the test must be able to fail)
    assert (tmp_path / "one").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"cut",
        pickle.dumps(FRAMES)[:-50],
        pickle.dumps(FRAMES[:, :80]),
        pickle.dumps(FRAMES.astype(float)),
        pickle.dumps({"a": 1}),
    ],
)
def test_a_damaged_or_other_file_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("f.pkl", "f.mat"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"not a|an array of shape") as caught:
            read_frames(path)
        assert "\n" not in str(caught.value)
