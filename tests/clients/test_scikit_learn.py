"""scikit-learn estimators and metrics with `array_api_dispatch`, on iris."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from .compare import Same

sklearn = pytest.importorskip("sklearn", minversion="1.8")
pytest.importorskip("scipy")
datasets = importlib.import_module("sklearn.datasets")
decomposition = importlib.import_module("sklearn.decomposition")
discriminant_analysis = importlib.import_module("sklearn.discriminant_analysis")
kernel_approximation = importlib.import_module("sklearn.kernel_approximation")
linear_model = importlib.import_module("sklearn.linear_model")
metrics = importlib.import_module("sklearn.metrics")
mixture = importlib.import_module("sklearn.mixture")
model_selection = importlib.import_module("sklearn.model_selection")
naive_bayes = importlib.import_module("sklearn.naive_bayes")
pipeline = importlib.import_module("sklearn.pipeline")
preprocessing = importlib.import_module("sklearn.preprocessing")
pairwise = metrics.pairwise

Job = Callable[[Any, Any, Any], Any]
Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture(autouse=True)
def dispatch() -> Iterator[None]:
    """scikit-learn's switch for the time of one test."""
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture(scope="module", params=["float64", "float32"])
def data(request: pytest.FixtureRequest) -> Data:
    """Iris: 150 flowers, four lengths, three species."""
    flowers, species = datasets.load_iris(return_X_y=True)
    return flowers.astype(request.param), species


def transformed(estimator: Any) -> Job:
    return lambda xp, X, y: estimator.fit(X, y).transform(X)


def predicted(estimator: Any) -> Job:
    return lambda xp, X, y: estimator.fit(X, y).predict(X)


def length(X: Any) -> Any:
    """A target for regression: the petal's length."""
    return X[:, 2]


ESTIMATORS: dict[str, Job] = {
    "StandardScaler": transformed(preprocessing.StandardScaler()),
    "MinMaxScaler": transformed(preprocessing.MinMaxScaler()),
    "MaxAbsScaler": transformed(preprocessing.MaxAbsScaler()),
    "Binarizer": transformed(preprocessing.Binarizer(threshold=2.0)),
    "Normalizer": transformed(preprocessing.Normalizer()),
    "PolynomialFeatures": transformed(preprocessing.PolynomialFeatures(degree=2)),
    "KernelCenterer": lambda xp, X, y: preprocessing.KernelCenterer().fit_transform(
        X[:20, :] @ X[:20, :].T
    ),
    "LabelEncoder": lambda xp, X, y: preprocessing.LabelEncoder().fit(y).transform(y),
    "PCA": lambda xp, X, y: xp.abs(decomposition.PCA(3, svd_solver="full").fit_transform(X)),
    "PCA whitened": lambda xp, X, y: (
        decomposition.PCA(2, whiten=True, svd_solver="covariance_eigh").fit(X).mean_
    ),
    "LDA": predicted(discriminant_analysis.LinearDiscriminantAnalysis()),
    "Ridge": lambda xp, X, y: linear_model.Ridge(solver="svd").fit(X[:, :2], length(X)).coef_,
    "RidgeCV": lambda xp, X, y: linear_model.RidgeCV((0.1, 1.0)).fit(X[:, :2], length(X)).coef_,
    "RidgeClassifierCV": predicted(linear_model.RidgeClassifierCV()),
    "LogisticRegression": predicted(linear_model.LogisticRegression(solver="lbfgs", max_iter=500)),
    "PoissonRegressor": lambda xp, X, y: (
        linear_model.PoissonRegressor(solver="lbfgs").fit(X[:, :2], length(X)).coef_
    ),
    "GaussianNB": predicted(naive_bayes.GaussianNB()),
    "GaussianMixture": predicted(
        mixture.GaussianMixture(2, random_state=0, init_params="random_from_data")
    ),
    "Nystroem": lambda xp, X, y: kernel_approximation.Nystroem(
        n_components=8, random_state=0
    ).fit_transform(X)[:5, :],
    "pipeline": predicted(
        pipeline.make_pipeline(
            preprocessing.StandardScaler(), discriminant_analysis.LinearDiscriminantAnalysis()
        )
    ),
    "GridSearchCV": lambda xp, X, y: (
        model_selection.GridSearchCV(
            linear_model.Ridge(solver="svd"), {"alpha": [0.1, 10.0]}, scoring="r2", cv=3
        )
        .fit(X[:, :2], length(X))
        .best_params_["alpha"]
    ),
    "cross_val_score": lambda xp, X, y: model_selection.cross_val_score(
        discriminant_analysis.LinearDiscriminantAnalysis(), X, y, cv=3
    ),
    "train_test_split": lambda xp, X, y: model_selection.train_test_split(X, y, random_state=0)[0],
}

METRICS: dict[str, Job] = {
    "accuracy_score": lambda xp, X, y: metrics.accuracy_score(y, y[::-1]),
    "confusion_matrix": lambda xp, X, y: metrics.confusion_matrix(y, y[::-1]),
    "f1_score": lambda xp, X, y: metrics.f1_score(y, y[::-1], average="macro"),
    "balanced_accuracy_score": lambda xp, X, y: metrics.balanced_accuracy_score(y, y[::-1]),
    "zero_one_loss": lambda xp, X, y: metrics.zero_one_loss(y, y[::-1]),
    "max_error": lambda xp, X, y: metrics.max_error(X[:, 0], X[:, 1]),
    "log_loss": lambda xp, X, y: metrics.log_loss(y == 1, X[:, 0] / 10),
    "mean_squared_error": lambda xp, X, y: metrics.mean_squared_error(X[:, 0], X[:, 1]),
    "mean_absolute_error": lambda xp, X, y: metrics.mean_absolute_error(X[:, 0], X[:, 1]),
    "r2_score": lambda xp, X, y: metrics.r2_score(X, X[::-1, :]),
    "mean_tweedie_deviance": lambda xp, X, y: metrics.mean_tweedie_deviance(
        X[:, 0], X[:, 1], power=1
    ),
    "euclidean_distances": lambda xp, X, y: pairwise.euclidean_distances(X[:9, :], X[40:50, :]),
    "cosine_similarity": lambda xp, X, y: pairwise.cosine_similarity(X[:9, :]),
    "rbf_kernel": lambda xp, X, y: pairwise.rbf_kernel(X[:9, :]),
    "pairwise_distances": lambda xp, X, y: pairwise.pairwise_distances(
        X[:9, :], metric="euclidean"
    ),
}


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_estimator(name: str, data: Data, xp: ModuleType, same: Same) -> None:
    job = ESTIMATORS[name]
    loose = 1e-4 if data[0].dtype == np.float32 else 1e-7
    ours = job(xp, *map(xp.asarray, data))
    same(ours, job(np, *data), rtol=loose, ours=name != "cross_val_score")


@pytest.mark.parametrize("name", list(METRICS))
def test_metric(name: str, data: Data, xp: ModuleType, same: Same) -> None:
    job = METRICS[name]
    same(job(xp, *map(xp.asarray, data)), job(np, *data), rtol=1e-5, ours=False, dtypes=False)


def test_without_dispatch_our_arrays_are_read_as_numpys(xp: ModuleType, data: Data) -> None:
    with sklearn.config_context(array_api_dispatch=False):
        scaled = preprocessing.StandardScaler().fit_transform(xp.asarray(data[0]))
    assert type(scaled) is np.ndarray
    np.testing.assert_array_equal(scaled, preprocessing.StandardScaler().fit_transform(data[0]))
