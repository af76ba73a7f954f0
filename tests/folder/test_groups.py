"""Groups of photos: by a column, by a pattern in the path, by looks."""

import numpy as np
import pytest

from stn_cv import InvalidInputError
from stn_cv.folder.groups import alike, groups_of
from stn_cv.folder.labels import labelled_photos

rng = np.random.default_rng(0)
SCENES = rng.integers(0, 256, (5, 6, 6, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
PATHS = ["d/a/cup-1_0.png", "d/a/cup-1_1.png", "d/b/cup-2_0.png", "d/b/other.png", "d/b/odd.png"]


def same(groups, wanted):
    """Whether two numberings make the same groups."""
    return len(set(zip(groups, wanted, strict=True))) == len(set(groups)) == len(set(wanted))


def test_a_pattern_names_groups_by_its_parenthesis_or_as_a_whole():
    for pattern in (r"cup-(\d)_", r"cup-\d"):
        assert same(groups_of(pattern, "d", PATHS, SCENES), [0, 0, 1, 2, 3])


@pytest.mark.parametrize(("pattern", "word"), [("(", "no regular"), ("^zz", "matches none of 5")])
def test_a_pattern_that_cannot_be_says_why(pattern, word):
    with pytest.raises(InvalidInputError, match=word):
        groups_of(pattern, "d", PATHS, SCENES)


@pytest.mark.parametrize("header", [True, False])
def test_the_third_column_of_a_csv(tmp_path, header):
    table = tmp_path / "t.csv"
    rows = ["path,label,group"] * header + ["1.png,a,x", "2.png,b,y", "3.png,a,x", "4.png,b,"]
    table.write_text("\n".join(rows))
    pairs = labelled_photos(table)
    assert [label for _, label in pairs] == ["a", "b", "a", "b"]
    paths = [path for path, _ in pairs]
    assert same(groups_of("column", str(table), paths, SCENES[:4]), [0, 1, 0, 2])
    table.write_text("1.png,a\n2.png,b\n")
    with pytest.raises(InvalidInputError, match="no third column"):
        groups_of("column", str(table), paths[:2], SCENES[:2])
    with pytest.raises(InvalidInputError, match="is a folder"):
        groups_of("column", str(tmp_path), paths, SCENES)


def test_photos_that_look_nearly_the_same():
    noise = rng.normal(0, 6, (2, *SCENES.shape))
    copies = [np.clip(0.8 * SCENES + 20 + n, 0, 255).astype(np.uint8) for n in noise]
    order = rng.permutation(15)
    images = np.concatenate([SCENES, *copies])[order]
    assert same(alike(images), np.tile(np.arange(5), 3)[order])
    flat = np.full((3, 20, 20, 1), 128, np.uint8)  # nothing to compare by
    assert same(alike(flat), [0, 1, 2])
