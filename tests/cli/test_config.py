"""Options in a file, saved and read again; what to do next; completion in the shell."""

import tomllib

import pytest

from stn_cv.model import file as library
from tests.support.commands import stn_cv
from tests.support.folder_cases import fixed_model, tree


@pytest.fixture
def place(tmp_path, monkeypatch):
    tree(tmp_path / "in", ["a.png", "b é.png", "c.jpg"], 24, 32)
    library.save(fixed_model((0.1, 0.4, 0.05, 0)), tmp_path / "m.stn")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outputs(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_a_saved_run_is_repeated(place):
    asked = ["--size", "20x30", "--glob", "*.png", "--quality", "80", "--shard", "1/1"]
    done = stn_cv("rectify", "m.stn", "in", "-o", "one", *asked, "--save-config", "run.toml")
    assert done.returncode == 0, done.stderr
    again = stn_cv("rectify", "--config", "run.toml", "-o", "two")
    assert again.returncode == 0, again.stderr
    assert outputs(place / "two") == outputs(place / "one") and outputs(place / "one")


def test_every_option_stands_in_the_file(place):
    stn_cv("rectify", "m.stn", "in", "-o", "one", "--size", "20x30", "--save-config", "run.toml")
    text = (place / "run.toml").read_text()
    given = tomllib.loads(text)
    assert given == {"model": "m.stn", "sources": ["in"], "out": "one", "size": "20x30"}
    by_default = tomllib.loads(text.partition("# By default:\n")[2].replace("# ", ""))
    assert by_default["existing"] == "skip" and by_default["jobs"] == -1
    assert "config" not in by_default


def test_the_command_line_goes_before_the_file(place):
    (place / "run.toml").write_text('out = "one"\nsize = "20x30"\nexisting = "overwrite"\n')
    stn_cv("rectify", "m.stn", "in", "--config", "run.toml", "--size", "10x15")
    from stn_cv.opencv import read_image

    assert read_image(place / "one" / "a.png").shape[:2] == (10, 15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quallity = 80", "'quality'"),
        ("quality = 800", "800 is not in the range"),
        ("quality = [80]", "wanted one value"),
        ('glob = "*.png"', "wanted a list"),
        ("[size]\nheight = 2", "wanted one value"),
        ("quality = ", "no TOML file"),
        ('save_config = "x"', "names 'save_config'"),
    ],
)
def test_what_no_run_can_have_is_refused_by_name(place, text, said):
    (place / "run.toml").write_text(text)
    done = stn_cv("rectify", "m.stn", "in", "-o", "out", "--config", "run.toml")
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert not (place / "out").exists()


def test_a_file_that_cannot_be_written_ends_the_run_before_it_begins(place):
    done = stn_cv("rectify", "m.stn", "in", "-o", "out", "--save-config", "no/run.toml")
    assert done.returncode == 1 and "no such folder" in done.stderr
    assert not (place / "out").exists()


def test_options_that_go_together_still_do_when_read_from_a_file(place):
    (place / "run.toml").write_text("turn = 30.0\n")
    done = stn_cv("fit", "in", "--out", "new.stn", "--config", "run.toml")
    assert done.returncode == 2 and "--turn goes with" in done.stderr


def test_what_to_do_next_may_be_typed(place):
    done = stn_cv("rectify", "m.stn", "in", "-o", "out", "--manifest", "a b.jsonl")
    assert done.stdout.rstrip().endswith("Next: stn-cv review 'a b.jsonl'")
    quiet = stn_cv("rectify", "m.stn", "in", "-o", "out", "--manifest", "a b.jsonl", "-q")
    assert not quiet.stdout
    known = stn_cv("info", "m.stn")
    assert "\nNext: stn-cv rectify m.stn DIR -o upright --report upright.html" in known.stdout
    (place / "c.csv").write_text("in/a.png,1,1,30,1,30,20,1,20\n")
    converted = stn_cv("corners", "c.csv", "new corners.csv")
    wanted = "Next: stn-cv fit --corners 'new corners.csv' --out model.stn"
    assert converted.stdout.rstrip().endswith(wanted), converted.stderr


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("rect", "rectify"), ("rectify --exis", "--existing"), ("rectify --existing ov", "overwrite")],
)
def test_the_shell_completes_commands_options_and_words(monkeypatch, typed, offered):
    monkeypatch.setenv("_STN_CV_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"stn-cv {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split())))
    done = stn_cv()
    assert done.stdout.split() == [f"plain,{offered}"]
