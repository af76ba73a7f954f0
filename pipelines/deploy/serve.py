"""Rectify photos over HTTP, with one model that all requests share.

    python -m pip install uvicorn
    python pipelines/deploy/serve.py model.stn --port 8000
    curl --data-binary @photo.jpg http://127.0.0.1:8000/rectify -o upright.jpg

``POST /rectify`` takes a photo's bytes and gives the rectified photo, JPEG for JPEG and PNG for
all else; ``GET /health`` answers with 200. Work that waits is bounded: who comes when the queue
is full is told to come again (503). A photo that is too large (413), that does not arrive (408)
or is not done in time (504), or that cannot be read (400) costs no other. On SIGTERM no more is
taken, and what was begun is ended.
"""

import argparse
import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

LARGEST_PICTURE = 89_478_485  # pixels, decoded
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST_PICTURE))  # before cv2 is loaded

import cv2  # noqa: E402
import numpy as np  # noqa: E402

import stn_cv  # noqa: E402

KEEP = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR


class Refused(Exception):
    """An answer other than a photo: a status, and why."""


def rectified(rectifier, data):
    """The bytes of a photo, rectified; and their type."""
    photo = cv2.imdecode(np.frombuffer(data, np.uint8), KEEP) if data else None
    if photo is None:
        raise Refused(400, "this is no photo that can be read")
    rgb = photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_BGR2RGB)
    try:
        upright = rectifier.rectify_photo(rgb)
    except stn_cv.StnError as error:
        raise Refused(400, str(error)) from error
    upright = upright if photo.ndim == 2 else cv2.cvtColor(upright, cv2.COLOR_RGB2BGR)
    kind = "jpeg" if data[:2] == b"\xff\xd8" else "png"
    return cv2.imencode(f".{kind}", upright)[1].tobytes(), f"image/{kind}"


class Service:
    """An ASGI application; see the module.

    Parameters
    ----------
    rectifier : stn_cv.Rectifier
        What threads share.
    threads : int
        Photos that are worked on at once.
    queue : int
        Photos that may wait besides.
    largest : int
        Bytes of a photo's file.
    seconds : float
        For a photo to arrive, and once more to be done.
    """

    def __init__(self, rectifier, threads, queue, largest, seconds):
        self.rectifier, self.largest, self.seconds = rectifier, largest, seconds
        self.pool, self.most, self.inside = ThreadPoolExecutor(threads), threads + queue, 0

    async def __call__(self, scope, receive, send):
        """Answer a request."""
        if scope["type"] != "http":
            return
        try:
            status, body, kind = 200, *await self.answer(scope, receive)
        except Refused as refused:
            status, kind = refused.args[0], "text/plain"
            body = f"{refused.args[1]}\n".encode()
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        if status != 200:  # of the body something may be left unread
            headers += [(b"connection", b"close"), (b"retry-after", b"1")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope, receive):
        """The body and its type."""
        asked = scope["method"], scope["path"]
        if asked == ("GET", "/health"):
            return b"ok\n", "text/plain"
        if asked != ("POST", "/rectify"):
            raise Refused(404, "wanted POST /rectify or GET /health")
        if self.inside >= self.most:
            raise Refused(503, "busy; come again")
        self.inside += 1
        work = None
        try:
            try:
                data = await asyncio.wait_for(self.body(scope, receive), self.seconds)
            except TimeoutError:
                raise Refused(408, "the photo did not arrive in time") from None
            work = self.pool.submit(rectified, self.rectifier, data)
            loop = asyncio.get_running_loop()
            work.add_done_callback(lambda _: loop.call_soon_threadsafe(self.leave))
            done = asyncio.shield(asyncio.wrap_future(work))
            try:
                return await asyncio.wait_for(done, self.seconds)
            except TimeoutError:
                work.cancel()  # what was begun goes on, and keeps its place until it is done
                raise Refused(504, "the photo was not done in time") from None
        finally:
            if work is None:
                self.leave()

    def leave(self):
        """One fewer is inside."""
        self.inside -= 1

    async def body(self, scope, receive):
        """What was sent, if it is not too much."""
        said = dict(scope["headers"]).get(b"content-length", b"0")
        data, more = bytearray(), True
        while more:
            if max(int(said), len(data)) > self.largest:
                raise Refused(413, f"more than {self.largest} bytes")
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the connection was closed")
            data += message.get("body", b"")
            more = message.get("more_body", False)
        if len(data) > self.largest:
            raise Refused(413, f"more than {self.largest} bytes")
        return bytes(data)


def main():
    """Serve until SIGTERM."""
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--queue", type=int, default=32, help="photos that may wait")
    parser.add_argument("--largest", type=int, default=2**25, help="bytes of a photo's file")
    parser.add_argument("--seconds", type=float, default=30, help="for a photo, at most")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    rectifier = stn_cv.load(given.model)
    rectifier.rectify_photo(np.zeros((64, 64, 3), np.uint8))  # kernels are loaded before the first
    service = Service(rectifier, given.threads, given.queue, given.largest, given.seconds)
    uvicorn.run(
        service, host=given.host, port=given.port, lifespan="off", access_log=False,
        timeout_graceful_shutdown=int(given.seconds) + 1,
    )  # fmt: skip


if __name__ == "__main__":
    main()
