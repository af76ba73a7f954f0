"""Photos with labels: folders of classes, tables, and the images that a fit reads."""

import numpy as np
import pytest
from support.folder_cases import tree
from support.picture_files import picture

from stn_cv.errors import InvalidInputError
from stn_cv.folder.examples import read_examples
from stn_cv.folder.labels import labelled_photos
from stn_cv.opencv import write_image


def test_photos_beside_the_classes_have_none(tmp_path):
    tree(tmp_path, ["loose.jpg", "a/1.jpg", "b/2.jpg", "b/deep/3.jpg", ".c/4.jpg"])
    labels = [label for _, label in labelled_photos(tmp_path)]
    assert labels == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.jpg,x\nb.jpg\n", "line 2"),
        ("a.jpg,x\n,y\n", "line 2"),
        ("a.jpg,x,1,2\n", "line 1"),
        ("a.jpg,x\nb.jpg,x\n", "photos of one class, 'x'"),
        ("", "names no photo"),
        ("x" * 5000, r"line 1 of .{,200}; wanted"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InvalidInputError, match=said):
        labelled_photos(tmp_path / "t.csv")


def test_tables_of_spreadsheets(tmp_path):
    text = '\ufeffPath,Label\r\n"with, comma.jpg", x \r\n\r\nsub/b.jpg,"say ""y"""\r\n'
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert labelled_photos(tmp_path / "t.csv") == [
        (str(tmp_path / "with, comma.jpg"), "x"),
        (str(tmp_path / "sub/b.jpg"), 'say "y"'),
    ]


def test_grey_photos_are_read_as_grey_and_colours_when_asked(tmp_path):
    for name in ("a/1.png", "b/2.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        write_image(tmp_path / name, picture(40, 60, 1))
    pairs = labelled_photos(tmp_path)
    assert read_examples(pairs, (12, 12)).images.shape == (2, 12, 12, 1)
    write_image(tmp_path / "b/3.png", picture(50, 50))
    pairs = labelled_photos(tmp_path)
    colour = read_examples(pairs, (12, 12))
    grey = read_examples(pairs, (12, 12), grey=True, n_jobs=2)
    assert colour.images.shape == (3, 12, 12, 3) and grey.images.shape == (3, 12, 12, 1)
    assert np.abs(colour.images[:2, ..., :1].astype(int) - grey.images[:2]).max() <= 1
    assert colour.labels.tolist() == ["a", "b", "b"]


def test_what_is_there_instead_of_classes_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="holds no photo; wanted a folder with a subfolder"):
        labelled_photos(tmp_path / "empty")
    with pytest.raises(InvalidInputError, match="2 photos, none of them in a subfolder"):
        labelled_photos(tree(tmp_path / "flat", ["a.png", "b.png"]))
    with pytest.raises(InvalidInputError, match="photos of one class, 'a'"):
        labelled_photos(tree(tmp_path / "one", ["a/1.png"]))
