"""`stn-cv fit`: what it says, what it writes, and what it refuses."""

import csv
import filecmp
import os
import re
import signal

import numpy as np
import pytest
from support.bar_photos import QUICK, TRAINING, bars, shape_photo
from support.commands import COMMAND, on_a_terminal, stn_cv, stn_cv_process, stn_cv_started
from support.folder_cases import contents, files_below

import stn_cv as library
from stn_cv.folder.labels import labelled_photos
from stn_cv.opencv import read_image, write_image


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
    command = ["fit", fitted[0] / "data", "--out", tmp_path / "m.stn", *TRAINING]
    done = stn_cv(*command, *QUICK[:-1], "2")
    assert done.returncode == 0, done.stderr
    assert filecmp.cmp(tmp_path / "m.stn", fitted[0] / "bars.stn", shallow=False)


def test_a_csv_says_the_same_as_a_folder(fitted, tmp_path):
    pairs = labelled_photos(fitted[0] / "data")
    table = fitted[0] / "table.csv"
    with open(table, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows([os.path.relpath(path, fitted[0]), label] for path, label in pairs)
    assert labelled_photos(table) == pairs
    command = ["fit", table, "--out", tmp_path / "m.stn", *TRAINING, *QUICK]
    assert stn_cv(*command).returncode == 0
    assert filecmp.cmp(tmp_path / "m.stn", fitted[0] / "bars.stn", shallow=False)


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
    process = stn_cv_started(*command, *QUICK, code=code)
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
def epoch(self):
    raise KeyboardInterrupt
Trainer.epoch = epoch
{COMMAND}"""
    out = tmp_path / "m.stn"
    done = stn_cv_process("fit", fitted[0] / "data", "--out", out, *QUICK, code=code)
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
        options = ["--epochs", "2", "--validation", "0", *QUICK]
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
    options = ["--epochs", "2", "--validation", "0", *QUICK]
    done = stn_cv("fit", tmp_path / "t.csv", "--out", tmp_path / "m.stn", *options)
    assert done.returncode == 0, done.stderr
    sheet = ["--contact-sheet", tmp_path / "sheet.png"]
    done = stn_cv("rectify", tmp_path / "m.stn", tmp_path / "lying", "-o", tmp_path / "up", *sheet)
    assert done.returncode == 0, done.stderr
    done = stn_cv("info", tmp_path / "m.stn")
    assert "K\\udce4se" in done.stdout and "\\x1b[31mred" in done.stdout


def test_bars_on_a_terminal(fitted, tmp_path):
    command = ["fit", fitted[0] / "data", "--out", tmp_path / "m.stn", *TRAINING, *QUICK]
    code, shown = on_a_terminal(*command)
    assert code == 0 and "reading" in shown and "48/48" in shown
    assert "training" in shown and "6/6" in shown and "validation accuracy" in shown


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
