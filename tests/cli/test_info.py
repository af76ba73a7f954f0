"""`stn-cv info`: what a model file holds."""

from support.commands import stn_cv


def test_info(fitted):
    done = stn_cv("info", fitted[0] / "bars.stn")
    assert done.returncode == 0 and not done.stderr
    for fact in ("16x16 pixels, 3 channels, uint8", "similarity", "lying, standing", "Dense"):
        assert fact in done.stdout
