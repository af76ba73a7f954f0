"""Pages of TIFFs: each a photo of its own, if that is asked for."""

import io

import numpy as np
import pytest
from support.archives import members_of, tar_of
from support.commands import stn_cv
from support.folder_cases import contents, files_below, fixed_model, put, rows_of, tree
from support.picture_files import Image, picture

import stn_cv as library
from stn_cv import rectify_folder
from stn_cv.errors import InvalidInputError
from stn_cv.opencv import decode, encode

TiffImagePlugin = pytest.importorskip("PIL.TiffImagePlugin")
tifffile = pytest.importorskip("tifffile")
MODEL = fixed_model()
PAGES = [picture(24, 32 + 4 * n, seed=n) for n in range(3)]


def several(pages=tuple(PAGES), **options):
    """A TIFF of pages, with a small copy behind the first."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer, **options) as file:
        for number, page in enumerate(pages):
            file.write(page, photometric="rgb")
            if not number:
                file.write(page[::2, ::2], photometric="rgb", subfiletype=1)
    return buffer.getvalue()


def one_page(page):
    return encode(page, ".tif")


@pytest.mark.parametrize("options", [{}, {"byteorder": ">"}, {"bigtiff": True}])
def test_each_page_has_an_output_and_a_row(tmp_path, options):
    put(tmp_path / "in" / "a" / "scan.tif", several(**options))
    put(tmp_path / "in" / "one.tif", one_page(PAGES[0]))
    wanted = {"pages": "all", "size": "input", "manifest": tmp_path / "m.jsonl"}
    summary = rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **wanted)
    assert summary.done == 4 and not summary.failures
    names = ["a/scan.tif/1.tif", "a/scan.tif/2.tif", "a/scan.tif/3.tif", "one.tif"]
    assert files_below(tmp_path / "out") == names
    for name, page in zip(names, PAGES, strict=False):
        assert np.array_equal(decode((tmp_path / "out" / name).read_bytes()), page)
    rows = rows_of(tmp_path / "m.jsonl")
    assert [row["input"] for row in rows] == [str(tmp_path / "in" / name) for name in names]
    assert [row["output"] for row in rows] == [str(tmp_path / "out" / name) for name in names]
    assert len({row["input_sha256"] for row in rows}) == 4
    (tmp_path / "out" / names[1]).unlink()
    again = rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **wanted)
    assert (again.done, again.skipped) == (1, 3)


def test_the_command_says_how_pages_are_taken(tmp_path):
    library.save(MODEL, tmp_path / "m.stn")
    put(tmp_path / "scan.tif", several())
    command = ["rectify", tmp_path / "m.stn", tmp_path / "scan.tif", "-o", tmp_path / "out"]
    refused = stn_cv(*command)
    assert refused.returncode == 1 and "rectify takes all of a TIFF with --pages all" in (
        refused.stderr
    )
    planned = stn_cv(*command, "--pages", "all", "--dry-run")
    assert "scan.tif/3.tif" in planned.stdout and "3 to rectify" in planned.stdout
    both = stn_cv(*command, "--pages", "all", "--first-page")
    assert both.returncode == 2 and "give one of both" in both.stderr
    done = stn_cv(*command, "--pages", "all", "--format", "png", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert files_below(tmp_path / "out") == [f"scan.tif/{n}.png" for n in (1, 2, 3)]


def test_previews_and_masks_of_pages(tmp_path):
    put(tmp_path / "in" / "scan.tif", several())
    for number, page in enumerate(PAGES, 1):
        mask = np.full(page.shape[:2], number, np.uint8)
        put(tmp_path / "masks" / "scan.tif" / f"{number}.png", encode(mask, ".png"))
    folders = {"preview": tmp_path / "p", "masks": tmp_path / "masks", "masks_out": tmp_path / "q"}
    options = {"pages": "all", "size": "input", **folders}
    assert rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **options).done == 3
    assert files_below(tmp_path / "p") == [f"scan.tif/{n}.tif.jpg" for n in (1, 2, 3)]
    for number in (1, 2, 3):
        with Image.open(tmp_path / "q" / "scan.tif" / f"{number}.png") as mask:
            assert np.unique(np.asarray(mask)).tolist() == [number]


def test_pages_in_archives_shards_and_tars(tmp_path):
    samples = [("a.png", encode(PAGES[0], ".png")), ("scan.tif", several()), ("b.txt", b"b")]
    source = tar_of(tmp_path / "in" / "x.tar", samples)
    options = {"pages": "all", "size": "input"}
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **options)
    names = ["a.png", *(f"scan.tif/{n}.tif" for n in (1, 2, 3))]
    assert files_below(tmp_path / "out") == [f"x.tar/{name}" for name in names]
    rectify_folder(MODEL, source, tmp_path / "tars", tar=True, **options)
    written = dict(members_of(tmp_path / "tars" / "x.tar"))
    assert list(written) == [*names, "b.txt"]
    assert {name: written[name] for name in names} == contents(tmp_path / "out" / "x.tar")
    manifest = tmp_path / "m.jsonl"
    for shard in ((2, 2), (1, 2), None):
        more = {"manifest": manifest, "shard": shard, **options}
        rectify_folder(MODEL, tmp_path / "in", tmp_path / "shards", **more)
    assert contents(tmp_path / "shards") == contents(tmp_path / "out")
    assert [row["input"] for row in rows_of(manifest)][:4] == [f"{source}/{n}" for n in names]


def test_names_that_pages_would_share_are_refused(tmp_path):
    put(tmp_path / "a" / "scan.tif", several())
    put(tmp_path / "b" / "scan.tif", one_page(PAGES[0]))
    tree(tmp_path / "c" / "scan.tif", ["1.png"])
    for other, options in (("b", {}), ("b/scan.tif", {}), ("c", {"format": "png"})):
        for first in ("a", "a/scan.tif"):
            sources = [tmp_path / first, tmp_path / other]
            with pytest.raises(InvalidInputError, match="would (both )?be"):
                rectify_folder(MODEL, sources, tmp_path / "out", pages="all", **options)
    assert not (tmp_path / "out").exists()


def test_a_damaged_page_costs_itself(tmp_path):
    data = several()
    for name, cut in (("cut.tif", data[: len(data) // 2]), ("ring.tif", ring(data))):
        put(tmp_path / "in" / name, cut)
    whole = several([PAGES[0], PAGES[1]], bigtiff=True)
    with tifffile.TiffFile(io.BytesIO(whole)) as file:
        entry = file.pages[2].tags["StripByteCounts"].valueoffset
    put(tmp_path / "in" / "z.tif", whole[:entry] + b"\xff\xff\xff" + whole[entry + 3 :])
    summary = rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", pages="all")
    assert summary.done == 1 and files_below(tmp_path / "out") == ["z.tif/1.tif"]
    reasons = {path.rpartition("/in/")[2]: reason for path, reason in summary.failures}
    assert set(reasons) == {"cut.tif", "ring.tif", "z.tif/2.tif"}
    assert "ring" in reasons["ring.tif"] and "cut off" in reasons["z.tif/2.tif"]


def ring(data):
    """The same file, whose last directory points at its first."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        last = file.pages[len(file.pages) - 1]
        end = last.offset + 2 + 12 * len(last.tags)
    return data[:end] + data[4:8] + data[end + 4 :]


def test_pages_are_corrected_and_keep_times(tmp_path):
    file = put(tmp_path / "in" / "scan.tif", several())
    corners = tmp_path / "c.csv"
    corners.write_text("path,x1,y1,x2,y2,x3,y3,x4,y4\nin/scan.tif/2.tif,0,0,36,0,36,24,0,24\n")
    options = {"pages": "all", "size": "input", "times": "keep"}
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **options)
    output = tmp_path / "out" / "scan.tif" / "2.tif"
    assert output.stat().st_mtime_ns == file.stat().st_mtime_ns
    corrected = rectify_folder(
        MODEL, tmp_path / "in", tmp_path / "out", corrections=corners, pages="all", size="input"
    )
    assert corrected.done == 1 and output.stat().st_mtime_ns != file.stat().st_mtime_ns


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg", "tiff_adobe_deflate"])
def test_what_the_tags_of_a_page_point_at_goes_along(tmp_path, compression):
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[271] = "Maker"
    if compression is None:  # Pillow writes no directory in a directory otherwise
        info[34665] = {33434: (1, 100)}
    buffer = io.BytesIO()
    first, *others = map(Image.fromarray, PAGES)
    kept = {"tiffinfo": info, "dpi": (300, 300), "icc_profile": bytes(range(200)) * 3}
    kept |= {"save_all": True, "append_images": others}
    first.save(buffer, "TIFF", compression=compression, **kept)
    put(tmp_path / "in" / "scan.tif", buffer.getvalue())
    options = {"pages": "all", "metadata": "keep", "format": "png"}
    rectify_folder(MODEL, tmp_path / "in", tmp_path / "out", **options)
    for number, image in enumerate([first, *others], 1):
        buffer = io.BytesIO()
        image.save(buffer, "TIFF", compression=compression)
        alone = decode(buffer.getvalue())
        with Image.open(tmp_path / "out" / "scan.tif" / f"{number}.png") as output:
            side = max(alone.shape)
            top, left = (side - alone.shape[0]) // 2, (side - alone.shape[1]) // 2
            inner = np.asarray(output)[top : top + alone.shape[0], left : left + alone.shape[1]]
            assert np.array_equal(inner, alone)
            assert output.info["icc_profile"] == kept["icc_profile"]
            assert round(output.info["dpi"][0]) == 300
            assert output.getexif()[271] == "Maker"
            if compression is None:
                assert output.getexif().get_ifd(34665)[33434] == (1, 100)
