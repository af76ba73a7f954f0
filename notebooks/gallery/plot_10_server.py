"""
A server that rectifies photos
==============================

A fitted model is one file without code. `load` reads it without scikit-learn, and threads may
share what it gives: here a server of the standard library answers requests, and a few clients
ask at once. For more than a demonstration take ``pipelines/deploy/serve.py``, which bounds its
queue, the size of photos and the time of each, and stops in good order.
"""

# %%
# A model
# -------
# Any will do; this one learns from upright digits.
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import urlopen

import cv2
import matplotlib.pyplot as plt
import numpy as np

import stn_cv
from stn_cv.datasets import load_distorted_digits, load_upright_digits

poser = stn_cv.PoseTransformer(
    angle=60, scale=(0.7, 1.3), n_canvases=8_000, batch_size=32, filters=8, random_state=0
).fit((255 * load_upright_digits(200)).astype(np.uint8))
file = io.BytesIO()
stn_cv.save(poser, file)
print(f"a model of {len(file.getvalue()) / 1024:.0f} KiB")

# %%
# The server
# ----------
# `rectify_photo` takes a photo of any size, finds its pose on a small copy, and warps it at its
# own resolution. An answer other than a photo says why.
rectifier = stn_cv.load(file.getvalue())


class Handler(BaseHTTPRequestHandler):
    """POST a photo's bytes, get the rectified photo as PNG."""

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        photo = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
        if photo is None:
            self.send_error(400, "this is no photo that can be read")
            return
        upright = cv2.imencode(".png", rectifier.rectify_photo(photo))[1].tobytes()
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(upright)))
        self.end_headers()
        self.wfile.write(upright)

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()

# %%
# Clients
# -------
# Eight photos of different sizes, asked for by four threads.
digits = load_distorted_digits(n_copies=1).X_test[:8]
sizes = [96, 128, 160, 200, 240, 128, 96, 300]
photos = [
    cv2.resize((255 * digit).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    for digit, size in zip(digits, sizes, strict=True)
]


def ask(photo):
    body = cv2.imencode(".jpg", photo)[1].tobytes()
    with urlopen(f"http://127.0.0.1:{server.server_port}", body) as answer:
        return cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_GRAYSCALE)


with ThreadPoolExecutor(4) as clients:
    answers = list(clients.map(ask, photos))
server.shutdown()
server.server_close()
print([answer.shape for answer in answers])

figure, axes = plt.subplots(2, 8, figsize=(9, 2.4), layout="constrained")
for row, images in zip(axes, (photos, answers), strict=True):
    for axis, image in zip(row, images, strict=True):
        axis.imshow(image, cmap="gray", vmin=0, vmax=255)
        axis.axis("off")
plt.show()
