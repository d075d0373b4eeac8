"""Data frames: names of columns are kept and checked, labels come back as they were."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from shallowcore.sklearn import LogisticRegression, MLPClassifier, MLPRegressor
from sklearn import linear_model, neural_network
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
IRIS = load_iris(as_frame=True)
LABELS = IRIS.target_names[IRIS.target]
PAIRS = [
    (MLPClassifier(max_iter=3), neural_network.MLPClassifier(max_iter=3)),
    (MLPRegressor(max_iter=3), neural_network.MLPRegressor(max_iter=3)),
    (LogisticRegression(), linear_model.LogisticRegression(max_iter=1000)),
]
FRAMES = {"pandas": IRIS.data, "polars": pl.DataFrame(IRIS.data.to_dict("list"))}


def said(act):
    """What a call warns of or raises: its kind and the numbers and names in it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            act()
        except Exception as error:
            return type(error), names_in(error)
    kept = [w for w in caught if w.category is UserWarning]
    return [(w.category, names_in(w.message)) for w in kept]


def names_in(text):
    return re.sub(r"MLP\w+|LogisticRegression", "", str(text))


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_names_of_columns_are_kept_and_checked(ours, theirs, library):
    frame = FRAMES[library]
    names = list(frame.columns)
    others = {
        "another order": frame[names[::-1]],
        "one less": frame[names[:3]],
        "another name": frame.rename({names[0]: "x"}) if library == "polars"
        else frame.rename(columns={names[0]: "x"}),
        "no names": np.asarray(frame),
        "the same": frame,
    }  # fmt: skip
    for one in (ours, theirs):
        one.fit(frame, IRIS.target)
        np.testing.assert_array_equal(one.feature_names_in_, names)
        assert one.feature_names_in_.dtype == object
    for what, other in others.items():
        assert said(lambda: ours.predict(other)) == said(lambda: theirs.predict(other)), what  # noqa: B023
    for one in (ours, theirs):
        one.fit(np.asarray(frame), IRIS.target)
        assert not hasattr(one, "feature_names_in_")
    assert said(lambda: ours.predict(frame)) == said(lambda: theirs.predict(frame)) != []


@pytest.mark.parametrize("kind", ["string", "category", "object"])
@pytest.mark.parametrize(("ours", "theirs"), [PAIRS[0], PAIRS[2]])
def test_labels_of_pandas(ours, theirs, kind):
    y = pd.Series(LABELS).astype(kind)
    for one in (ours, theirs):
        one.fit(IRIS.data, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.classes_.dtype == theirs.classes_.dtype
    assert ours.predict(IRIS.data).dtype == theirs.predict(IRIS.data).dtype
    right = np.mean(ours.predict(IRIS.data) == np.asarray(LABELS))
    assert ours.score(IRIS.data, y) == pytest.approx(right)


def test_labels_of_polars():
    for one in (MLPClassifier(max_iter=3), LogisticRegression()):
        one.fit(FRAMES["polars"], pl.Series(LABELS))
        assert set(one.predict(FRAMES["polars"])) <= set(IRIS.target_names)


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("ours", [pair[0] for pair in PAIRS])
def test_frames_out_of_transformers(ours, library):
    """A pipeline whose steps hand on frames; columns of words beside numbers."""
    pipeline = make_pipeline(StandardScaler(), ours).set_output(transform=library)
    pipeline.fit(FRAMES[library], IRIS.target).predict(FRAMES[library])
    np.testing.assert_array_equal(pipeline[-1].feature_names_in_, IRIS.data.columns)
    words = np.where(IRIS.target == 0, "a", "b")
    if library == "pandas":
        frame = IRIS.data.assign(word=words)
    else:
        frame = FRAMES["polars"].with_columns(pl.Series("word", words))
    columns = ColumnTransformer(
        [
            ("words", OneHotEncoder(sparse_output=False), ["word"]),
            ("numbers", StandardScaler(), list(IRIS.data.columns)),
        ]
    )
    with sklearn.config_context(transform_output=library):
        mixed = make_pipeline(columns, ours).fit(frame, IRIS.target)
        assert mixed.predict(frame).shape == (150,)
    assert list(mixed[-1].feature_names_in_[:2]) == ["words__word_a", "words__word_b"]
