"""Photos in tar shards and zips, read as folders; tars of outputs."""

import io
import json
import os
import tarfile

import pytest
from support.archives import members_of, samples, tar_of, zip_of
from support.commands import stn_cv
from support.folder_cases import contents, files_below, fixed_model, rows_of, tree

import stn_cv as library
from stn_cv import iter_rectified, load_folder, predict_folder, rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.folder import Options, make_plan, tars
from stn_cv.storage import archive_index

MODEL = fixed_model((0.1, 0.4, 0.05, 0))
NAMES = ["0001.png", "0002.png", "sub/0003.png", "sub/deep/0004.png"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tree(tmp_path_factory.mktemp("photos") / "in", NAMES, 12, 16)


@pytest.fixture(scope="module")
def outputs(photos, tmp_path_factory):
    """What becomes of the same photos as files."""
    folder = tmp_path_factory.mktemp("outputs")
    rectify_folder(MODEL, photos, folder)
    return contents(folder)


def only(results):
    (result,) = results
    return result


# --- read


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_an_archive_is_read_as_a_folder(kind, photos, outputs, tmp_path):
    source = {"tar": tar_of, "zip": zip_of}[kind](tmp_path / f"x.{kind}", samples(photos, NAMES))
    out, manifest = tmp_path / "out", tmp_path / "m.jsonl"
    summary = rectify_folder(MODEL, source, out, manifest=manifest)
    assert contents(out) == outputs and summary.passed_over == {".cls": 4}
    rows = rows_of(manifest)
    assert [row["input"] for row in rows[:-1]] == [f"{source}/{name}" for name in NAMES]
    assert rectify_folder(MODEL, source, out, manifest=manifest).skipped == 4


def test_archives_in_folders_are_folders(photos, outputs, tmp_path):
    tar_of(tmp_path / "in" / "a" / "s-0.TAR", samples(photos, NAMES))
    zip_of(tmp_path / "in" / "b.zip", samples(photos, NAMES))
    (tmp_path / "in" / "folder.tar").mkdir()
    tree(tmp_path / "in" / "folder.tar", ["1.png"], 12, 16)
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out")
    expected = {f"{place}/{name}" for place in ("a/s-0.TAR", "b.zip") for name in NAMES}
    assert set(files_below(tmp_path / "out")) == {*expected, "folder.tar/1.png"}
    assert contents(tmp_path / "out" / "b.zip") == outputs


def test_names_as_tar_writes_them_of_a_folder(photos, outputs, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(photos, ".")
    rectify_folder(MODEL, tmp_path / "x.tar", tmp_path / "out")
    assert contents(tmp_path / "out") == outputs


@pytest.mark.parametrize("pack", [tar_of, zip_of])
@pytest.mark.parametrize(
    "name", ["../e.png", "/e.png", "a//e.png", "a\\e.png", "a/./e.png", "x/" * 65 + "e.png"]
)
def test_members_that_lead_elsewhere_are_passed_over(name, pack, photos, tmp_path):
    data = (photos / "0001.png").read_bytes()
    source = pack(tmp_path / f"x.{pack.__name__[:3]}", [(name, data), ("ok.png", data)])
    summary = rectify_folder(MODEL, source, tmp_path / "out" / "in")
    assert summary.passed_over == {"keys that no file system takes": 1}
    assert files_below(tmp_path / "out") == ["in/ok.png"]


def test_links_and_devices_in_a_tar_are_passed_over(photos, tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name, kind in (("s.png", tarfile.SYMTYPE), ("h.png", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, os.fspath(photos / "0001.png")
            tar.addfile(link)
        fifo = tarfile.TarInfo("f.png")
        fifo.type = tarfile.FIFOTYPE
        tar.addfile(fifo)
        tar.add(photos / "0001.png", "1.png")
    summary = rectify_folder(MODEL, tmp_path / "x.tar", tmp_path / "out")
    assert summary.done == 1 and summary.passed_over == {"links": 2, ".png": 1}


def _cut(data):
    return data[: len(data) // 2]


def _without_end(data):
    return data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512)


def _damaged(data):
    second = data.index(b"0002.cls")
    return data[:second] + b"X" + data[second + 1 :]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_cut, "no whole tar file"),
        (_without_end, "its end is missing"),
        (_damaged, "it is damaged, or two were joined"),
        (lambda data: data + data, "it is damaged, or two were joined"),
        (lambda data: b"no tar at all", "no whole tar file"),
        (lambda data: b"", "no whole tar file"),
    ],
)
def test_a_damaged_tar_costs_itself_and_is_named(damage, said, photos, tmp_path):
    whole = tar_of(tmp_path / "in" / "b.tar", samples(photos, NAMES))
    bad = tmp_path / "in" / "a.tar"
    bad.write_bytes(damage(whole.read_bytes()))
    failed, *others = iter_rectified(MODEL, tmp_path / "in", tmp_path / "out")
    assert failed.input == os.fspath(bad) and said in failed.error
    assert [other.status for other in others] == ["done"] * 4


def test_a_damaged_zip_is_named(photos, tmp_path):
    data = zip_of(tmp_path / "x.zip", samples(photos, NAMES)).read_bytes()
    (tmp_path / "cut.zip").write_bytes(data[:-30])
    result = only(iter_rectified(MODEL, tmp_path / "cut.zip", tmp_path / "out"))
    assert result.input.endswith("cut.zip") and "no whole zip file" in result.error
    at = data.index(b"0002.png") + 60
    (tmp_path / "bad.zip").write_bytes(data[:at] + b"\xff\xff" + data[at + 2 :])
    results = list(iter_rectified(MODEL, tmp_path / "bad.zip", tmp_path / "out"))
    assert [result.status for result in results] == ["done", "error", "done", "done"]
    assert "no member that can be read" in results[1].error


@pytest.mark.parametrize("pack", [tar_of, zip_of])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(pack, photos, tmp_path):
    data = (photos / "0001.png").read_bytes()
    for number, names in enumerate((["a.png", "./a.png"], ["a", "a/b.png"], ["a/b.png", "a"])):
        source = pack(tmp_path / f"{number}.{pack.__name__[:3]}", [(name, data) for name in names])
        result = only(iter_rectified(MODEL, source, tmp_path / "out"))
        assert "two members have the name" in result.error or "a folder of others" in result.error


def test_too_many_members_are_refused(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(archive_index, "MOST_MEMBERS", 8)
    source = tar_of(tmp_path / "x.tar", samples(photos, NAMES))  # 8, and two folders
    assert "more than 8 members" in only(iter_rectified(MODEL, source, tmp_path / "out")).error


def test_members_too_large_for_a_photo_are_not_unpacked(photos, tmp_path):
    png = (photos / "0001.png").read_bytes()
    source = zip_of(tmp_path / "x.zip", [("bomb.png", png + bytes(2**27)), ("ok.png", png)])
    results = list(iter_rectified(MODEL, source, tmp_path / "out", max_pixels=1000))
    assert [result.status for result in results] == ["error", "done"]
    assert "bytes are more than" in results[0].error


def test_sparse_and_encrypted_members_fail_by_name(photos, tmp_path):
    png = (photos / "0001.png").read_bytes()
    info = tarfile.TarInfo("s.png")
    info.size = len(png)
    info.pax_headers = {"GNU.sparse.map": f"0,{len(png)}", "GNU.sparse.size": str(len(png))}
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(png))
    assert "it is sparse" in only(iter_rectified(MODEL, tmp_path / "x.tar", tmp_path / "o")).error
    data = bytearray(zip_of(tmp_path / "x.zip", [("e.png", png)]).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    assert "encrypted" in only(iter_rectified(MODEL, tmp_path / "x.zip", tmp_path / "o")).error


def test_fit_and_predict_read_archives(tmp_path):
    names = [f"{label}/{n}.png" for label in ("cat", "dog") for n in range(3)]
    folder = tree(tmp_path / "data", names, 12, 16)
    files = [(name, (folder / name).read_bytes()) for name in names]
    for source in (tar_of(tmp_path / "d.tar", files), zip_of(tmp_path / "d.zip", files)):
        examples = load_folder(source, (8, 8))
        assert examples.labels.tolist() == ["cat"] * 3 + ["dog"] * 3
        assert (examples.images == load_folder(folder, (8, 8)).images).all()
        found = predict_folder(MODEL, source)
        same = predict_folder(MODEL, folder)
        assert [one.confidence for one in found] == [one.confidence for one in same]
    zip_of(folder / "beside.zip", files)  # no class of its own
    assert set(load_folder(folder, (8, 8)).labels) == {"cat", "dog"}


# --- written


def test_of_each_archive_a_tar_is_written(photos, outputs, tmp_path):
    tar_of(tmp_path / "in" / "s-0.tar", samples(photos, NAMES))
    zip_of(tmp_path / "in" / "b" / "s-1.zip", samples(photos, NAMES))
    run = {"manifest": tmp_path / "m.jsonl", "tar": True, "n_jobs": 2}
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **run)
    assert files_below(tmp_path / "out") == ["b/s-1.zip.tar", "s-0.tar"]
    expected = [(name, outputs.get(name, data)) for name, data in samples(photos, NAMES)]
    for name in files_below(tmp_path / "out"):
        assert members_of(tmp_path / "out" / name) == expected
    rows = rows_of(tmp_path / "m.jsonl")
    assert rows[4]["output"] == f"{tmp_path}/out/s-0.tar/0001.png"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.tar")}
    assert rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **run).skipped == 8
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert rows_of(tmp_path / "m.jsonl") == rows


def test_the_command_writes_a_tar_of_a_tar(photos, outputs, tmp_path):
    library.save(MODEL, tmp_path / "m.stn")
    tar_of(tmp_path / "s-000.tar", samples(photos, NAMES))
    options = ["-o", tmp_path / "out", "--tar"]
    done = stn_cv("rectify", tmp_path / "m.stn", tmp_path / "s-000.tar", *options)
    assert done.returncode == 0, done.stderr
    assert dict(members_of(tmp_path / "out" / "s-000.tar")).items() >= outputs.items()
    (tmp_path / "loose.png").write_bytes((photos / "0001.png").read_bytes())
    done = stn_cv("rectify", tmp_path / "m.stn", tmp_path / "loose.png", *options)
    assert done.returncode == 1 and "it is in no archive" in done.stderr


def test_a_tar_is_whole_or_absent_and_goes_on(photos, outputs, tmp_path):
    source = tar_of(tmp_path / "x.tar", samples(photos, NAMES))
    run = {"manifest": tmp_path / "m.jsonl", "tar": True}
    out = tmp_path / "out"
    results = iter_rectified(MODEL, source, out, limit=2, **run)
    assert next(results).status == "done"
    assert [name for name, _ in members_of(out / "x.tar") if name in outputs] == NAMES[1::-1]
    results.close()
    os.truncate(tmp_path / "m.jsonl", 0)  # as if a run had been killed before its rows
    summary = rectify_folder(MODEL, source, out, **run)
    assert summary.done == 4
    assert dict(members_of(out / "x.tar")).items() >= outputs.items()
    assert len(rows_of(tmp_path / "m.jsonl")) == 5


def test_a_tar_that_cannot_be_written_fails_its_photos(photos, tmp_path, monkeypatch):
    source = tar_of(tmp_path / "x.tar", samples(photos, NAMES))

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tars, "write_below", full)
        summary = rectify_folder(
            MODEL, source, tmp_path / "out", tar=True, manifest=tmp_path / "m.jsonl"
        )
    assert len(summary.failures) == 4 and files_below(tmp_path / "out") == []
    assert "No space left" in rows_of(tmp_path / "m.jsonl")[0]["error"]
    again = rectify_folder(MODEL, source, tmp_path / "out", tar=True, manifest=tmp_path / "m.jsonl")
    assert again.done == 4


def test_a_tar_of_somebody_else_is_kept(photos, tmp_path):
    source = tar_of(tmp_path / "x.tar", samples(photos, NAMES))
    other = tar_of(tmp_path / "out" / "x.tar", [("mine.txt", b"mine")])
    summary = rectify_folder(MODEL, source, tmp_path / "out", tar=True)
    assert len(summary.failures) == 4 and "is not replaced" in summary.failures[0][1]
    assert members_of(other) == [("mine.txt", b"mine")]
    rectify_folder(MODEL, source, tmp_path / "out", tar=True, existing="overwrite")
    assert len(members_of(other)) == 8


def test_a_photo_that_fails_costs_itself(photos, outputs, tmp_path):
    members = [*samples(photos, NAMES), ("bad.png", b"\x89PNG\r\n\x1a\nbroken"), ("bad.cls", b"1")]
    source = tar_of(tmp_path / "x.tar", members)
    summary = rectify_folder(MODEL, source, tmp_path / "out", tar=True)
    assert summary.done == 4 and len(summary.failures) == 1
    names = [name for name, _ in members_of(tmp_path / "out" / "x.tar")]
    assert names == [name for name, _ in members if name != "bad.png"]


def test_shards_of_a_run_are_archives(photos, tmp_path):
    for number in range(3):
        tar_of(tmp_path / "in" / f"s-{number}.tar", samples(photos, NAMES))
    for index in (2, 1):
        run = {"shard": (index, 2), "manifest": tmp_path / "m.jsonl", "tar": True}
        rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **run)
    joined = rectify_folder(
        MODEL, tmp_path / "in", tmp_path / "out", manifest=tmp_path / "m.jsonl", tar=True
    )
    assert joined.skipped == 12
    rows = rows_of(tmp_path / "m.jsonl")
    assert [json.dumps(row["status"]) for row in rows[:-1]] == ['"done"'] * 12


def test_outputs_of_one_name_are_refused_before_anything_is_written(photos, tmp_path):
    a, b = (tar_of(tmp_path / name / "x.tar", samples(photos, NAMES)) for name in "ab")
    for options in (Options(tar=True), Options()):
        with pytest.raises(InvalidInputError, match="would both be written to"):
            make_plan([a, b], tmp_path / "out", options)
    zip_of(tmp_path / "a" / "y.zip", samples(photos, NAMES))
    tar_of(tmp_path / "a" / "y.zip.tar", samples(photos, NAMES))
    with pytest.raises(InvalidInputError, match="would both be written to"):
        make_plan([tmp_path / "a"], tmp_path / "out", Options(tar=True))
    twice = tar_of(
        tmp_path / "t.tar", [(n, (photos / NAMES[0]).read_bytes()) for n in ("a.png", "a.jpg")]
    )
    results = list(iter_rectified(MODEL, twice, tmp_path / "out", tar=True, format="webp"))
    assert [result.status for result in results] == ["done", "error"]
    with pytest.raises(InvalidInputError, match="lies inside the input"):
        make_plan([a], a / "out", Options())


@pytest.mark.parametrize("options", [{"times": "keep"}, {"corrections": "c.csv"}])
def test_what_a_tar_cannot_keep_is_refused(options, tmp_path):
    with pytest.raises(InvalidInputError, match="tar"):
        Options(tar=True, **options)
