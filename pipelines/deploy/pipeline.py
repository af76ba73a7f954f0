"""A whole scikit-learn Pipeline leaves the machine without pickle: by skops, and as ONNX.

    python -m pip install skops skl2onnx onnxruntime onnx
    python pipelines/deploy/pipeline.py --out deployed

writes `pipeline.skops`, which scikit-learn and this library read again, with no type in it but
those that are named here; and `rectifier.onnx` and `classifier.onnx`, which onnxruntime runs one
after the other. A step without operators in ONNX, as `stn_cv.HOG` is one, leaves by skops alone.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import stn_cv
from stn_cv.datasets import load_distorted_digits

# What a file may hold besides scikit-learn's and NumPy's own types, which skops knows: whoever
# loads one says so, and a file with any other type in it is refused.
TRUSTED = [
    "stn_cv.estimators.hog.HOG",
    "stn_cv.estimators.pose_report.Figure",
    "stn_cv.estimators.pose_report.PoseReport",
    "stn_cv.estimators.pose_report.Spread",
    "stn_cv.estimators.transformer.SpatialTransformer",
    "stn_cv.model.image_spec.ImageSpec",
    "stn_cv.model.rectifier.Rectifier",
    "stn_cv.nn.activation.LeakyReLU",
    "stn_cv.nn.activation.ReLU",
    "stn_cv.nn.conv.Conv2D",
    "stn_cv.nn.dense.Dense",
    "stn_cv.nn.dropout.Dropout",
    "stn_cv.nn.flatten.Flatten",
    "stn_cv.nn.network.Network",
    "stn_cv.nn.pool.AveragePool",
    "stn_cv.nn.pool.MaxPool",
    "stn_cv.nn.spatial.SpatialTransform",
    "stn_cv.nn.standardize.Standardize",
]


def fitted(X, y, max_iter=20):
    """A transformer, and a classifier behind it."""
    transformer = stn_cv.SpatialTransformer(
        family="similarity", output_shape=(16, 16), image_shape=(32, 32), max_iter=max_iter
    )
    steps = [("scale", StandardScaler()), ("classify", LogisticRegression(max_iter=1000))]
    pipeline = Pipeline([("rectify", transformer), *steps])
    return pipeline.fit(X.astype(np.float32), y)


def read_again(path):
    """The Pipeline in a file of skops, or an error that names the types that are not trusted."""
    import skops.io

    return skops.io.load(path, trusted=TRUSTED)


def write(pipeline, folder):
    """All three files."""
    import skops.io
    from skl2onnx import to_onnx

    skops.io.dump(pipeline, folder / "pipeline.skops")
    stn_cv.export(pipeline[0], folder / "rectifier.onnx")
    features = np.zeros((1, pipeline[1].n_features_in_), np.float32)
    classifier = to_onnx(pipeline[1:], features, options={"zipmap": False})
    (folder / "classifier.onnx").write_bytes(classifier.SerializeToString())


class Deployed:
    """Both ONNX files, run by onnxruntime alone."""

    def __init__(self, folder):
        import onnxruntime

        names = "rectifier.onnx", "classifier.onnx"
        self.rectifier, self.classifier = (onnxruntime.InferenceSession(folder / n) for n in names)

    def predict(self, images):
        """Labels of images (n, h, w, c), float32."""
        (upright,) = self.rectifier.run(["rectified"], {"images": images})
        name = self.classifier.get_inputs()[0].name
        return self.classifier.run(None, {name: upright.reshape(len(images), -1)})[0]


def main():
    """Fit, write, and say how often what was read again gives the same label."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    parser.add_argument("--max-iter", type=int, default=20)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    X_train, X_test, y_train, y_test, _ = load_distorted_digits()
    pipeline = fitted(X_train.reshape(len(X_train), -1), y_train, given.max_iter)
    write(pipeline, given.out)
    images = X_test[..., None].astype(np.float32)
    X = images.reshape(len(images), -1)
    labels = pipeline.predict(X)
    print(f"accuracy        {100 * np.mean(labels == y_test):6.2f} %")
    for name, again in (
        ("by skops", read_again(given.out / "pipeline.skops").predict(X)),
        ("by onnxruntime", Deployed(given.out).predict(images)),
    ):
        print(f"same {name:14} {100 * np.mean(again == labels):6.2f} %")


if __name__ == "__main__":
    main()
