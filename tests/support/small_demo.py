"""`stn-cv` in a process of its own, its demo with few digits and epochs.

python tests/support/small_demo.py TROUBLE demo --out FOLDER

TROUBLE is "none", "full disk", or where it is to wait for Ctrl-C, which it says on stderr:
"data", "training" or "writing".
"""

import errno
import os
import signal
import sys
import time

from stn_cv import cli, demo

EPOCHS = 2
WAITING = "waiting for Ctrl-C"


def shrink(put):
    """Make the demo small: `put(module, name, value)` sets what it reads."""

    def few_of(load):
        def few(random_state, n_copies=1):
            digits = load(n_copies=1, random_state=random_state)
            return demo.DistortedDigits(*(part[:100] for part in digits))

        return few

    for name in ("load_distorted_digits", "load_cluttered_digits"):
        put(demo, name, few_of(getattr(demo, name)))
    put(demo, "POSE", {**demo.POSE, "n_canvases": 64, "filters": 4})
    for name in ("LINEAR", "CNN"):
        put(demo, name, {**getattr(demo, name), "localization": "mlp", "max_iter": EPOCHS})


def wait(*arguments, **options):
    print(WAITING, file=sys.__stderr__, flush=True)
    time.sleep(60)


def full_disk(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")


def main():
    trouble = sys.argv.pop(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" switches it off
    shrink(setattr)
    if trouble == "data":
        demo.load_distorted_digits = wait
    elif trouble == "training":
        demo.EpochBar.on_fit_task_end = wait
    elif trouble == "writing":
        os.fsync = wait
    elif trouble == "full disk":
        os.fsync = full_disk
    cli.main()


if __name__ == "__main__":
    main()
