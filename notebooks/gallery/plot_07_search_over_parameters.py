"""
A search over the parameters of both
====================================

Which family, how many looks, and which classifier behind? A transformer in a Pipeline is searched
over like any other step. With ``memory`` each transformer is fitted once for all classifiers
behind it.
"""

# %%
# A Pipeline and its ranges
# -------------------------
# Two families and three strengths of the classifier, judged on one part of the training digits.
# In earnest take several folds, and where there are copies of a thing folds that keep them
# together.
import tempfile
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

import stn_cv
from stn_cv import SpatialTransformer
from stn_cv.datasets import load_distorted_digits

digits = load_distorted_digits(n_copies=1, random_state=0)
X, X_test = (part.reshape(len(part), -1) for part in (digits.X_train, digits.X_test))
warnings.simplefilter("ignore", stn_cv.PoseWarning)  # what is not worth it loses the search

rectify = SpatialTransformer(
    image_shape=(32, 32), output_shape=(16, 16), start="identity", max_iter=18, random_state=0
)
ranges = {"rectify__family": ["attention", "similarity"], "classify__C": [0.3, 1, 10]}
with tempfile.TemporaryDirectory() as memory:
    model = Pipeline([("rectify", rectify), ("classify", SVC())], memory=memory)
    split = ShuffleSplit(1, test_size=0.25, random_state=0)
    search = GridSearchCV(model, ranges, cv=split).fit(X, digits.y_train)
print("best:", search.best_params_)

# %%
# What it found
# -------------
scores = search.cv_results_["mean_test_score"].reshape(3, 2)  # C by family
figure, axis = plt.subplots(figsize=(4, 3), layout="constrained")
axis.imshow(scores, vmin=0.8, vmax=1.1, cmap="Blues", aspect="auto")
axis.set(xticks=range(2), xticklabels=ranges["rectify__family"], xlabel="family")
axis.set(yticks=range(3), yticklabels=ranges["classify__C"], ylabel="C")
for (row, column), score in np.ndenumerate(scores):
    axis.text(column, row, f"{score:.1%}", ha="center", va="center")
plt.show()

# %%
# The test digits, looked at once
# -------------------------------
# Beside image moments: on one clean digit they do as well or better, and cost nothing. A search
# among transformers does not tell that; so always run what is free beside it.
moments = [
    stn_cv.warp_affine(part, stn_cv.theta_from_moments(part), (16, 16)).reshape(len(part), -1)
    for part in (digits.X_train, digits.X_test)
]
alone = SVC(C=10).fit(X, digits.y_train).score(X_test, digits.y_test)
free = SVC(C=10).fit(moments[0], digits.y_train).score(moments[1], digits.y_test)
print(f"alone                {alone:6.1%}")
print(f"image moments        {free:6.1%}")
print(f"best of the search   {search.score(X_test, digits.y_test):6.1%}")
