"""Tars and zips of photos, as webdataset has them."""

import io
import tarfile
import zipfile


def samples(photos, names):
    """Members in webdataset's order: each photo beside its label."""
    for name in reversed(names):
        yield name, (photos / name).read_bytes()
        yield name[:-4] + ".cls", b"3"


def tar_of(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def zip_of(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


def members_of(path):
    with tarfile.open(path) as tar:
        return [(info.name, tar.extractfile(info).read()) for info in tar]
