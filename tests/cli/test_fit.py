"""`stn-cv fit`, `predict`, `info` and `doctor` in processes of their own."""

import csv
import io
import json
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.folder_cases import (
    COMMAND,
    contents,
    environment,
    files_below,
    fixed_model,
    on_a_terminal,
    stn_cv,
    tree,
)
from support.picture_files import picture

import stn_cv as library
from stn_cv import opencv
from stn_cv.errors import InvalidInputError
from stn_cv.folder.labels import labelled_photos, read_examples
from stn_cv.opencv import read_image, write_image

QUICK = ["--size", "16x16", "--localization", "mlp", "--head", "linear", "--jobs", "1"]


def shape_photo(kind, seed, height, width):
    """A bar that lies and is red or stands and is blue, somewhere on noise."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 60, (height, width, 3), dtype=np.uint8)
    y, x = rng.integers(height // 4, height // 2), rng.integers(width // 4, width // 2)
    if kind == "lying":
        image[y : y + height // 12, x : x + width // 3] = (230, 30, 30)
    else:
        image[y : y + height // 3, x : x + width // 12] = (30, 30, 230)
    return image


def bars(folder, count=24):
    """A folder with two classes of photos of mixed sizes and formats."""
    for kind in ("lying", "standing"):
        for seed in range(count):
            suffix = (".jpg", ".png", ".webp")[seed % 3]
            height, width = ((48, 64), (64, 48), (96, 96), (30, 40))[seed % 4]
            path = Path(folder) / kind / ("more" if seed % 5 == 0 else "") / f"{seed}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, shape_photo(kind, seed, height, width))
    return Path(folder)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A fit on a folder of photos, one of them damaged."""
    root = tmp_path_factory.mktemp("fit")
    data = bars(root / "data")
    done = stn_cv("fit", data, "--out", root / "bars.stn", "--epochs", "6", "--seed", "3", *QUICK)
    assert done.returncode == 0, done.stderr
    return root, done


# --- fit


def test_each_epoch_is_told_with_loss_and_accuracy(fitted):
    lines = [line for line in fitted[1].stderr.splitlines() if line.startswith("epoch")]
    pattern = r"epoch (\d) of 6: loss \d\.\d{4}, validation accuracy \d+\.\d%"
    assert [re.fullmatch(pattern, line)[1] for line in lines] == list("123456")


def test_a_summary_names_counts_epochs_and_files(fitted):
    out = fitted[1].stdout
    assert "48 photos of 2 classes: lying 24, standing 24" in out
    assert re.search(r"6 epochs in \d+\.\d s, best validation accuracy \d+\.\d%", out)
    assert "bars.stn, bars.curve.png and bars.sheet.png" in out


def test_the_model_its_curve_and_its_sheet_are_there(fitted):
    model = library.load(fitted[0] / "bars.stn")
    assert model.classes.tolist() == ["lying", "standing"]
    spec = model.image_spec
    assert (spec.height, spec.width, spec.range) == (16, 16, "uint8")
    for name in ("bars.curve.png", "bars.sheet.png"):
        shades = np.unique(read_image(fitted[0] / name).reshape(-1, 3), axis=0)
        assert len(shades) > 20


def test_the_same_seed_gives_the_same_model_for_any_number_of_threads(fitted, tmp_path):
    command = ["fit", fitted[0] / "data", "--out", tmp_path / "m.stn", "--epochs", "6"]
    done = stn_cv(*command, "--seed", "3", *QUICK[:-1], "2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m.stn").read_bytes() == (fitted[0] / "bars.stn").read_bytes()


def test_a_csv_says_the_same_as_a_folder(fitted, tmp_path):
    pairs = labelled_photos(fitted[0] / "data")
    table = fitted[0] / "table.csv"
    with open(table, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows([os.path.relpath(path, fitted[0]), label] for path, label in pairs)
    assert labelled_photos(table) == pairs
    command = ["fit", table, "--out", tmp_path / "m.stn", "--epochs", "6", "--seed", "3"]
    assert stn_cv(*command, *QUICK).returncode == 0
    assert (tmp_path / "m.stn").read_bytes() == (fitted[0] / "bars.stn").read_bytes()


def test_a_bad_photo_is_named_and_left_out(tmp_path):
    data = bars(tmp_path / "data", 6)
    (data / "lying" / "bad.jpg").write_bytes(b"\xff\xd8\xff bad")
    command = ["fit", data, "--out", tmp_path / "m.stn", "--epochs", "1", "--validation", "0"]
    done = stn_cv(*command, *QUICK)
    assert done.returncode == 1 and (tmp_path / "m.stn").exists()
    assert done.stderr.count("bad.jpg") == 1 and "12 photos of 2 classes" in done.stdout
    assert "validation" not in done.stdout + done.stderr and "lowest loss" in done.stdout


def test_too_few_photos_to_judge_by(tmp_path):
    command = ["fit", bars(tmp_path / "data", 6), "--out", tmp_path / "m.stn", "--epochs", "1"]
    done = stn_cv(*command, *QUICK, "--validation", "0.08")
    assert done.returncode == 2 and "12 photos of 2 classes, 6 of the rarest" in done.stderr
    assert "--validation 0" in done.stderr and not (tmp_path / "m.stn").exists()
    done = stn_cv(*command, *QUICK, "--validation", "0.16")
    assert "too few" not in done.stderr, done.stderr


def test_a_training_that_comes_to_nothing_is_told_in_options(tmp_path):
    """Two pictures, each twice under two names: those left out say the opposite of the rest."""
    for name in ("one", "other"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i, kind in enumerate(("lying", "standing") * 2):
            write_image(tmp_path / "data" / name / f"{i}.png", shape_photo(kind, 0, 32, 32))
    command = ["fit", tmp_path / "data", "--out", tmp_path / "m.stn", "--validation", "0.25"]
    done = stn_cv(*command, *QUICK, "--epochs", "4", "--seed", "2")
    assert done.returncode == 1 and "had a lower loss than an untrained" in done.stderr
    assert "more --epochs" in done.stderr and "learning_rate" not in done.stderr
    assert not (tmp_path / "m.stn").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--size", "16"], "480x640"),
        (["--epochs", "0"], "--epochs"),
        (["--validation", "1"], "--validation"),
        (["--family", "banana"], "--family"),
        (["--jobs", "0"], "--jobs"),
        (["--out", "{root}/table.txt/m.stn"], "cannot write to"),
        (["--out", "{root}/data/m.stn"], "lies inside the input"),
    ],
)
def test_wrong_usage_exits_with_2(fitted, arguments, word):
    (fitted[0] / "table.txt").touch()
    arguments = [text.format(root=fitted[0]) for text in arguments]
    done = stn_cv("fit", fitted[0] / "data", "--out", fitted[0] / "new.stn", *arguments)
    assert done.returncode == 2 and word in done.stderr and "Traceback" not in done.stderr
    assert not (fitted[0] / "new.stn").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to another process")
def test_ctrl_c_saves_the_best_so_far(fitted, tmp_path):
    code = (
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + COMMAND
    )  # a shell's "&" switches it off
    command = ["fit", fitted[0] / "data", "--out", tmp_path / "m.stn", "--epochs", "100000"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command), *QUICK],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(3):
        process.stderr.readline()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=50)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr and "Traceback" not in stderr and "Wrote" in stdout
    assert library.load(tmp_path / "m.stn").classes.tolist() == ["lying", "standing"]


def test_ctrl_c_before_anything_was_learned_writes_nothing(fitted, tmp_path):
    code = f"""
from stn_cv.nn.training import Trainer
def epoch(self, samples):
    raise KeyboardInterrupt
Trainer.epoch = epoch
{COMMAND}"""
    out = tmp_path / "m.stn"
    done = stn_cv("fit", fitted[0] / "data", "--out", out, *QUICK, code=code)
    assert done.returncode == 130, done.stderr
    assert "nothing written" in done.stderr and "Traceback" not in done.stderr
    assert files_below(tmp_path) == []


def test_what_is_read_is_not_written_over(fitted, tmp_path):
    lines = [
        f"{kind}/{name.name},{kind}"
        for kind in ("lying", "standing")
        for name in (bars(tmp_path, 2) / kind).glob("*.*")
    ]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines))
    photo = tmp_path / lines[0].partition(",")[0]
    before = contents(tmp_path)
    for out in (table, photo):
        done = stn_cv("fit", table, "--out", out, "--validation", "0", *QUICK)
        assert done.returncode == 2 and "is read, and would be written over" in done.stderr
    assert contents(tmp_path) == before


def test_models_with_dots_in_their_names_share_no_picture(fitted, tmp_path):
    for name in ("bars.v1", "bars.v2"):
        options = ["--epochs", "6", "--seed", "3", *QUICK]
        done = stn_cv("fit", fitted[0] / "data", "--out", tmp_path / name, *options)
        assert done.returncode == 0, done.stderr
    kinds = ("", ".curve.png", ".sheet.png")
    assert files_below(tmp_path) == [f"bars.v{i}{kind}" for i in (1, 2) for kind in kinds]


def test_labels_of_any_bytes(tmp_path):
    """Of a table that was not saved as UTF-8; a lone surrogate crashes OpenCV."""
    bars(tmp_path, 4)
    rows = [
        b"lying/%d%s,K\xe4se\nstanding/%d%s,\x1b[31mred" % (i, suffix, i, suffix)
        for i, suffix in ((1, b".png"), (2, b".webp"), (3, b".jpg"))
    ]
    (tmp_path / "t.csv").write_bytes(b"\n".join(rows))
    options = ["--epochs", "6", "--validation", "0", *QUICK]
    done = stn_cv("fit", tmp_path / "t.csv", "--out", tmp_path / "m.stn", *options)
    assert done.returncode == 0, done.stderr
    sheet = ["--contact-sheet", tmp_path / "sheet.png"]
    done = stn_cv("rectify", tmp_path / "m.stn", tmp_path / "lying", "-o", tmp_path / "up", *sheet)
    assert done.returncode == 0, done.stderr
    done = stn_cv("info", tmp_path / "m.stn")
    assert "K\\udce4se" in done.stdout and "\\x1b[31mred" in done.stdout


def test_bars_on_a_terminal(fitted, tmp_path):
    command = [
        "fit",
        fitted[0] / "data",
        "--out",
        tmp_path / "m.stn",
        "--epochs",
        "6",
        "--seed",
        "3",
        *QUICK,
    ]
    code, shown = on_a_terminal(*command)
    assert code == 0 and "reading" in shown and "48/48" in shown
    assert "training" in shown and "6/6" in shown and "validation accuracy" in shown


# --- labelled photos


def test_photos_beside_the_classes_have_none(tmp_path):
    tree(tmp_path, ["loose.jpg", "a/1.jpg", "b/2.jpg", "b/deep/3.jpg", ".c/4.jpg"])
    labels = [label for _, label in labelled_photos(tmp_path)]
    assert labels == ["a", "b", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a.jpg,x\nb.jpg\n", "line 2"),
        ("a.jpg,x\n,y\n", "line 2"),
        ("a.jpg,x,1\n", "line 1"),
        ("a.jpg,x\nb.jpg,x\n", "1 classes"),
        ("", "0 classes"),
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


# --- predict, info, doctor


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_predict_says_what_the_head_says(fitted, tmp_path, form):
    photos = tree(tmp_path / "in", ["a.jpg", "sub/żółw 猫.png"], 40, 30)
    (photos / "bad.png").write_bytes(b"bad")
    done = stn_cv("predict", fitted[0] / "bars.stn", photos, "--format", form, text=False)
    assert done.returncode == 1 and done.stderr.count(b"bad.png") == 1
    out = done.stdout.decode()
    model = library.load(fitted[0] / "bars.stn")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(out)))
        paths = [row["path"] for row in rows]
        found = [[float(row[name]) for name in model.classes] for row in rows]
    else:
        rows = [json.loads(line) for line in out.splitlines()]
        paths = [row["input"] for row in rows]
        found = [[row["probabilities"][name] for name in model.classes] for row in rows]
    assert paths == [str(photos / "a.jpg"), str(photos / "sub" / "żółw 猫.png")]
    for row, probabilities in zip(rows, found, strict=True):
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert float(row["confidence"]) == pytest.approx(max(probabilities), abs=1e-6)
        assert row["label"] == model.classes[int(np.argmax(probabilities))]


def test_predict_scores_the_photos_it_was_fitted_on(fitted):
    done = stn_cv("predict", fitted[0] / "bars.stn", fitted[0] / "data")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    hits = [
        Path(row["path"]).relative_to(fitted[0] / "data").parts[0] == row["label"] for row in rows
    ]
    assert len(rows) == 48 and np.mean(hits) > 0.7


def test_predict_of_what_is_not_there_writes_no_header(fitted):
    done = stn_cv("predict", fitted[0] / "bars.stn", os.devnull)
    assert done.returncode == 2 and "neither a folder nor a file" in done.stderr
    assert not done.stdout


def test_predict_needs_a_head(tmp_path):
    model = fixed_model()
    model.classes = None
    library.save(model, tmp_path / "m.stn")
    done = stn_cv("predict", tmp_path / "m.stn", tmp_path)
    assert done.returncode == 2 and "no head" in done.stderr


def test_info(fitted):
    done = stn_cv("info", fitted[0] / "bars.stn")
    assert done.returncode == 0 and not done.stderr
    for fact in ("16x16 pixels, 3 channels, uint8", "similarity", "lying, standing", "Dense"):
        assert fact in done.stdout


@pytest.mark.parametrize("family, shape", [("projective", (3, 3)), ("tps", (16, 2))])
def test_families_that_are_not_affine(fitted, tmp_path, family, shape):
    data, model = fitted[0] / "data", tmp_path / "model.stn"
    done = stn_cv(
        "fit",
        data,
        "--out",
        model,
        "--family",
        family,
        "--epochs",
        "2",
        "--validation",
        "0",
        *QUICK,
    )
    assert done.returncode == 0, done.stderr
    theta = library.load(model).theta(np.zeros((16, 16, 3), np.uint8))
    assert theta.shape == shape
    assert read_image(tmp_path / "model.sheet.png").ndim == 3


def test_doctor(tmp_path):
    done = stn_cv("doctor")
    assert done.returncode == 0, done.stdout
    for name in (
        "numpy",
        "opencv",
        "kernel cache",
        "threads",
        *(f.suffix[1:] for f in opencv.FORMATS),
    ):
        assert name in done.stdout
    (tmp_path / "cv2.py").write_text("__version__ = '4.10.0'")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{COMMAND}"
    sick = stn_cv("doctor", code=code)
    assert sick.returncode == 1 and "PROBLEM" in sick.stdout and "4.10.0" in sick.stdout
    assert "Traceback" not in sick.stderr


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="OpenBLAS knows these names on x86 only"
)
def test_doctor_knows_a_blas_that_does_not_use_the_processor(monkeypatch):
    found = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    wide = bool({"X86_V4", "AVX512_SKX"}.intersection(found))
    for kind, hint in (("Haswell", wide), *([("SkylakeX", False)] * wide)):
        monkeypatch.setenv("OPENBLAS_CORETYPE", kind)
        said = stn_cv("doctor").stdout
        assert f"for {kind}" in said
        assert ("OPENBLAS_CORETYPE=SkylakeX" in said) == hint
