"""The door to cv2: resizing, drawing, encoding, and files that are whole or absent."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from support.paths import ROOT

from stn_cv import opencv
from stn_cv.errors import InvalidInputError, InvalidTypeError, MissingLibraryError, StnError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (9, 14), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (9, 14, 3), dtype=np.uint8)
RED = np.full((8, 8, 3), (255, 0, 0), np.uint8)


def run(code, *arguments, **options):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **options)


# --- the import


def test_importing_the_door_does_not_open_it():
    done = run("import sys, stn_cv.opencv, stn_cv.pictures; print('cv2' in sys.modules)")
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ImportError('libGL.so.1: cannot open shared object file')", "libGL.so.1"),
        ("raise ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')", "No module named"),
        ("", "incompletely"),
        ("__version__ = '4.14.0'", "4.14.0"),
    ],
)
def test_a_cv2_that_does_not_work_is_explained(tmp_path, source, said):
    (tmp_path / "cv2.py").write_text(source)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import numpy as np\n"
        "from stn_cv import opencv\n"
        "from stn_cv.errors import MissingLibraryError\n"
        "try: opencv.encode(np.zeros((2, 2), np.uint8), '.png')\n"
        "except MissingLibraryError as error: print(error)\n"
    )
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "pip uninstall -y opencv-python" in done.stdout
    assert 'pip install "opencv-python-headless>=5"' in done.stdout


def test_a_missing_library_is_an_import_error():
    assert issubclass(MissingLibraryError, ImportError) and issubclass(
        MissingLibraryError, StnError
    )


# --- resizing


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", ">f4"])
@pytest.mark.parametrize("tail", [(), (1,), (3,), (5,)])
def test_shrinking_by_a_whole_factor_is_the_mean_of_blocks(dtype, tail):
    images = (RNG.random((2, 8, 12, *tail)) * 255).astype(dtype)
    out = opencv.resize_area(images, (4, 4))
    blocks = images.astype(np.float64).reshape(2, 4, 2, 4, 3, *tail).mean(axis=(2, 4))
    assert out.shape == (2, 4, 4, *tail) and out.dtype == images.dtype.newbyteorder("=")
    assert np.abs(out - blocks).max() <= (0.5 + 1e-6 if out.dtype.kind == "u" else 1e-4)


def test_one_axis_is_shrunk_by_area_while_the_other_is_enlarged():
    stripes = np.tile(np.array([0.0, 1.0]), (1, 4, 32))  # an aliased shrink would be 0 or 1
    out = opencv.resize_area(stripes, (8, 8))
    assert out.shape == (1, 8, 8) and np.abs(out - 0.5).max() < 1e-12


def test_enlarging_is_linear_and_the_same_size_is_the_same():
    ramp = np.tile(np.arange(8.0), (1, 3, 1))
    out = opencv.resize_area(ramp, (3, 16))[0, 0]
    assert np.abs(out[1:-1] - (np.arange(1, 15) / 2 - 0.25)).max() < 1e-6
    assert np.array_equal(opencv.resize_area(GREY[None], GREY.shape)[0], GREY)
    assert opencv.resize_area(GREY[:0, None], (4, 4)).shape[0] == 0


def test_resizing_refuses_what_it_cannot_do():
    with pytest.raises(InvalidTypeError, match="int64"):
        opencv.resize_area(np.zeros((1, 4, 4), np.int64), (2, 2))
    for images, shape in (((4, 4), (2, 2)), ((1, 0, 4), (2, 2)), ((1, 4, 4), (0, 2))):
        with pytest.raises(InvalidInputError, match="at least one pixel"):
            opencv.resize_area(np.zeros(images), shape)


# --- drawing


def test_a_frame_is_drawn_through_its_corners_and_its_top_is_thicker():
    image = np.full((40, 50, 3), 255, np.uint8)
    corners = np.array([[10.0, 8], [40, 8], [40, 30], [10, 30]])
    opencv.draw_frame(image, corners, (200, 0, 10), top=3)
    for x, y in corners.astype(int):
        assert np.abs(image[y, x].astype(int) - (200, 0, 10)).max() < 60
    drawn = (image != 255).any(axis=2)
    assert drawn[3:14, 25].sum() > drawn[25:36, 25].sum() >= 1  # across the top, the bottom
    assert not drawn[:, :5].any() and not drawn[15:25, 20:30].any()


def test_the_whole_first_side_of_a_curved_frame_is_thick():
    image = np.full((60, 80, 3), 255, np.uint8)
    along = np.linspace(-1, 1, 8, endpoint=False)
    top = np.stack([along, np.full(8, -1.0)], axis=1)
    right = np.stack([np.full(8, 1.0), along], axis=1)
    border = np.concatenate([top, right, -top, -right]) * (30, 20) + (40, 30)
    opencv.draw_frame(image, border, (0, 0, 0), top=5)
    drawn = (image < 128).any(axis=2)
    assert (drawn[:15, 12:68].sum(axis=0) >= 4).all()  # all along the top
    assert (drawn[45:, 16:64].sum(axis=0) <= 2).all()
    assert (drawn[16:44, 60:].sum(axis=1) <= 2).all() and drawn[16:44, 60:].any(axis=1).all()


def test_half_a_pixel_is_seen():
    image = np.zeros((20, 20, 3), np.uint8)
    corners = np.array([[4.0, 4.5], [15, 4.5], [15, 12], [4, 12]])
    opencv.draw_frame(image, corners, (255, 255, 255))
    between, lower = int(image[4, 9, 0]), int(image[5, 9, 0])
    assert 0 < between < 255 and abs(between - lower) <= 16


def test_a_line_goes_through_its_points_and_is_not_closed():
    image = np.full((30, 40, 3), 255, np.uint8)
    opencv.draw_line(image, np.array([[5.0, 5], [30, 5], [30, 25]]), (10, 20, 30), 2)
    for x, y in ((6, 5), (20, 5), (30, 15), (30, 24)):
        assert np.abs(image[y, x].astype(int) - (10, 20, 30)).max() < 60
    assert (image[10:, :25] == 255).all()


def test_opencv_is_quiet_and_serial_for_a_while_only(capfd):
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads(), cv2.utils.logging.getLogLevel()
    damaged = opencv.encode(COLOUR, ".tiff")[:-9]
    with opencv.quiet_and_serial():
        assert cv2.getNumThreads() == 1
        with pytest.raises(InvalidInputError):
            opencv.decode(damaged)
    assert not capfd.readouterr().err
    assert (cv2.getNumThreads(), cv2.utils.logging.getLogLevel()) == before


def test_opencv_is_quiet_until_the_last_of_several_users_leaves():
    cv2 = pytest.importorskip("cv2")
    before = cv2.getNumThreads(), cv2.utils.logging.getLogLevel()
    first, second = opencv.quiet_and_serial(), opencv.quiet_and_serial()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cv2.getNumThreads() == 1
    second.__exit__(None, None, None)
    assert (cv2.getNumThreads(), cv2.utils.logging.getLogLevel()) == before


@pytest.mark.parametrize("far", [1e5, 1e9, 1e30])
def test_a_frame_far_outside_does_no_harm(far):
    image = np.zeros((20, 20, 3), np.uint8)
    opencv.draw_frame(image, np.array([[-far, 10], [far, 10], [far, far], [-far, far]]), (9, 9, 9))
    assert (image[10, 2:-2] > 0).all() and not image[:8].any()


@pytest.mark.parametrize("far", [1e3, 1e6, 1e8])
def test_a_line_to_far_away_keeps_its_direction(far):
    image = np.zeros((60, 50, 3), np.uint8)
    opencv.draw_line(image, np.array([[5.0, 4], [5 + far, 4 + 1.2 * far]]), (255, 255, 255))
    rows, columns = np.nonzero(image[..., 0])
    assert columns.max() == 49 and np.abs(rows - 4 - 1.2 * (columns - 5)).max() < 2


def test_lines_that_pass_by_leave_nothing():
    image = np.zeros((20, 20, 3), np.uint8)
    corners = np.array([[-1e6, -300.0], [1e6, -300], [1e6, 900], [-1e6, 900]])
    opencv.draw_frame(image, corners, (255, 255, 255), 2, top=5)
    opencv.draw_line(image, np.array([[500.0, 500], [500, 500]]), (255, 255, 255))
    assert not image.any()


def test_text_stands_where_it_should():
    image = np.full((30, 120, 3), 255, np.uint8)
    opencv.put_text(image, "Frame Ü", (20, 20), (10, 20, 30))
    rows, columns = np.nonzero((image < 128).all(axis=2))
    assert rows.max() <= 20 and rows.min() >= 5  # the baseline, and a line's height above it
    assert columns.min() >= 20
    assert abs(columns.max() - 20 - opencv.text_width("Frame Ü")) <= 3
    assert opencv.text_width("Frame frame") > opencv.text_width("Frame")


def test_text_that_is_no_unicode_has_question_marks():
    wanted, got = np.full((2, 40, 120, 3), 255, np.uint8)
    opencv.put_text(wanted, "caf?", (5, 20))
    opencv.put_text(got, "caf\udce9", (5, 20))
    np.testing.assert_array_equal(got, wanted)
    assert opencv.text_width("caf\udce9") == opencv.text_width("caf?")


def test_drawing_refuses_what_it_could_not_draw_on():
    corners = np.zeros((4, 2))
    read_only = np.zeros((5, 5, 3), np.uint8)
    read_only.flags.writeable = False
    for image in (np.zeros((5, 5, 3)), GREY, COLOUR[:, ::2], read_only):
        with pytest.raises(InvalidInputError, match="give a copy"):
            opencv.draw_frame(image, corners, (0, 0, 0))
        with pytest.raises(InvalidInputError, match="give a copy"):
            opencv.put_text(image, "x", (0, 0))
    with pytest.raises(InvalidInputError, match="finite points"):
        opencv.draw_frame(COLOUR.copy(), corners * np.nan, (0, 0, 0))


# --- encoding and decoding


LOSSLESS = [
    (format.suffix, dtype, channels)
    for format in opencv.FORMATS
    for dtype in format.dtypes
    for channels in format.channels
    if format.is_written and format.suffix != ".jpg"
]


@pytest.mark.parametrize(("suffix", "dtype", "channels"), LOSSLESS)
def test_a_round_trip_keeps_every_pixel(suffix, dtype, channels):
    image = (RNG.random((7, 11, channels)) * 255).astype(dtype)
    image = image[..., 0] if channels == 1 else image
    back = opencv.decode(opencv.encode(image, suffix))
    assert back.dtype == image.dtype and np.array_equal(back, image)


@pytest.mark.parametrize("suffix", (*opencv.WRITTEN_SUFFIXES, ".JPG"))
def test_red_is_red(suffix):
    back = opencv.decode(opencv.encode(RED, suffix))
    assert back.shape == RED.shape and np.abs(back.astype(int) - RED).max() <= 3


def test_red_is_red_for_another_reader():
    pillow = pytest.importorskip("PIL.Image")
    with tempfile.TemporaryDirectory() as folder:
        opencv.write_image(Path(folder) / "red.png", RED)
        with pillow.open(Path(folder) / "red.png") as image:
            assert image.getpixel((3, 3)) == (255, 0, 0)


def test_quality_counts():
    sizes = [len(opencv.encode(COLOUR, ".jpeg", quality)) for quality in (10, 60, 95)]
    assert sizes == sorted(set(sizes))
    assert len(opencv.encode(COLOUR, ".webp", 30)) < len(opencv.encode(COLOUR, ".webp"))
    assert opencv.encode(COLOUR, ".png", 30) == opencv.encode(COLOUR, ".png")


@pytest.mark.parametrize(
    ("image", "suffix"),
    [
        (np.zeros((4, 4)), ".png"),  # would become 8 bit
        (np.zeros((4, 4), np.uint16), ".jpg"),  # would saturate
        (np.zeros((4, 4, 4), np.uint8), ".jpg"),  # would lose alpha
        (np.zeros((4, 4), np.uint8), ".webp"),  # would become three channels
        (np.zeros((4, 4, 2), np.uint8), ".png"),
        (np.zeros((4,), np.uint8), ".png"),
        (np.zeros((0, 4), np.uint8), ".png"),
        (np.zeros((4, 4), np.uint8), ".gif"),
        (np.zeros((4, 4), np.uint8), ""),
        (np.zeros((1, 70000), np.uint8), ".jpg"),  # longer than JPEG can say
        (np.zeros((1, 20000, 3), np.uint8), ".webp"),  # or WebP
    ],
)
def test_what_a_format_cannot_hold_is_refused(image, suffix):
    with pytest.raises(InvalidInputError):
        opencv.encode(image, suffix)
    with pytest.raises(InvalidInputError, match="quality"):
        opencv.encode(COLOUR, ".jpg", 0)


def test_what_is_no_image_is_named(tmp_path):
    whole = opencv.encode(COLOUR, ".png")
    for name, data in (("empty.png", b""), ("text.png", b"hello"), ("cut.png", whole[:60])):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InvalidInputError, match=name):
            opencv.read_image(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        opencv.read_image(tmp_path / "absent.png")


# --- files that are whole or absent


@pytest.mark.parametrize("name", ["plain.png", "żółw 猫 ☃.png", "a" * 250 + ".png", "UPPER.PNG"])
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_file_comes_back_as_it_was_written(tmp_path, name, image):
    opencv.write_image(tmp_path / name, image)
    opencv.write_image(str(tmp_path / name), image)
    assert np.array_equal(opencv.read_image(tmp_path / name), image)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux allows file names that are not Unicode"
)
def test_a_name_that_is_not_utf8(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    opencv.write_image(path, COLOUR)
    assert np.array_equal(opencv.read_image(path), COLOUR)


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "plain").touch()
    opencv.write_image(tmp_path / "image.png", GREY)
    assert (tmp_path / "image.png").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.fixture
def old(tmp_path):
    """A good file that no failure may cost."""
    path = tmp_path / "old.png"
    opencv.write_image(path, GREY)
    yield path
    assert np.array_equal(opencv.read_image(path), GREY)
    assert os.listdir(tmp_path) == ["old.png"], "something was left behind"


def test_an_image_that_cannot_be_encoded_costs_nothing(old):
    with pytest.raises(InvalidInputError):
        opencv.write_image(old, np.zeros((4, 4)))


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failing_step_costs_nothing(old, monkeypatch, step, error):
    def fail(*_):
        raise error("planted")

    with monkeypatch.context() as patch:
        patch.setattr(os, step, fail)
        with pytest.raises(error, match="planted"):
            opencv.write_image(old, COLOUR)


def test_bytes_that_did_not_arrive_are_an_error(old, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: os.truncate(descriptor, 5))
        with pytest.raises(OSError, match="5 of"):
            opencv.write_image(old, COLOUR)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_disk_that_is_full_costs_nothing(old):
    code = (
        "import resource, sys; import numpy as np; from stn_cv import atomic, opencv\n"
        "noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8)\n"
        "data = opencv.encode(noise, '.png')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))\n"
        "try: atomic.write_bytes(sys.argv[1], data)\n"
        "except OSError as error: print('refused', error.errno)\n"
    )
    done = run(code, old, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.stdout.startswith("refused"), done.stderr


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="this system has no users to change to")
def test_a_folder_that_is_read_only_costs_nothing():
    code = (
        "import os, sys; import numpy as np; from stn_cv import opencv\n"
        "image = np.zeros((4, 4), np.uint8); opencv.encode(image, '.png')\n"
        "if os.geteuid() == 0: os.seteuid(65534)  # root may write everywhere\n"
        "try: opencv.write_image(sys.argv[1], image)\n"
        "except PermissionError: print('refused')\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "old.png"
        opencv.write_image(path, GREY)
        os.chmod(folder, 0o555)
        done = run(code, path)
        os.chmod(folder, 0o755)
        assert done.stdout.strip() == "refused", done.stderr
        assert np.array_equal(opencv.read_image(path), GREY) and os.listdir(folder) == ["old.png"]


def test_a_link_is_replaced_and_not_followed(tmp_path, old):
    (tmp_path / "link.png").symlink_to(old)
    opencv.write_image(tmp_path / "link.png", COLOUR)
    assert not (tmp_path / "link.png").is_symlink()
    (tmp_path / "link.png").unlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_device_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InvalidInputError, match="is a device or pipe"):
        opencv.write_image(tmp_path / "pipe.png", COLOUR)
    assert (tmp_path / "pipe.png").is_fifo() and os.listdir(tmp_path) == ["pipe.png"]
