"""cv2 itself: imported at the first call, so importing stn_cv.opencv costs nothing."""

from collections.abc import Callable
from typing import Any

from ..errors import MissingLibraryError
from ..threads import ProcessWide


def load_cv2() -> Any:
    """The module cv2, or an error that says how to get one that works here."""
    try:
        import cv2
    except ImportError as error:
        raise MissingLibraryError(_how_to_get_cv2(f"cannot be imported here: {error}")) from error
    version = str(getattr(cv2, "__version__", ""))
    if not version:  # what is left when one of two installed OpenCV wheels is uninstalled
        raise MissingLibraryError(_how_to_get_cv2("is installed incompletely"))
    if int(version.split(".")[0]) < 5:
        raise MissingLibraryError(_how_to_get_cv2(f"is version {version}; wanted 5 or newer"))
    return cv2


def _how_to_get_cv2(what: str) -> str:
    return (
        f"OpenCV (cv2) {what}. On a machine without a display, such as a server or container, "
        "libGL and its relatives are often missing; the headless wheel does without them. "
        "Two wheels overwrite each other, so first remove what is there:\n"
        "    python -m pip uninstall -y opencv-python opencv-contrib-python "
        "opencv-python-headless\n"
        '    python -m pip install "opencv-python-headless>=5"'
    )


def _quiet() -> Callable[[], None]:
    cv2 = load_cv2()
    logging = cv2.utils.logging
    level, threads = logging.getLogLevel(), cv2.getNumThreads()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    cv2.setNumThreads(1)

    def restore() -> None:
        cv2.setNumThreads(threads)
        logging.setLogLevel(level)

    return restore


_quiet_and_serial = ProcessWide(_quiet)


def quiet_and_serial() -> ProcessWide:
    """OpenCV without threads of its own and without lines on stderr, in the whole process."""
    return _quiet_and_serial
