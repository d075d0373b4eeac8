"""What training learns of a table's columns, and how other tables become its inputs."""

import json

import numpy as np
import pytest
from shallowcore import _preprocessing
from shallowcore._preprocessing import Preprocessing, Table, learn_target

NAN = float("nan")


def texts(*values):
    column = np.empty(len(values), object)
    column[:] = values
    return column


def table(**columns):
    made = {name: c if isinstance(c, np.ndarray) else np.array(c) for name, c in columns.items()}
    return Table(made, len(next(iter(made.values()))))


TRAINING = table(
    age=[20.0, NAN, 40.0, 70.0],
    city=texts("Oslo", "Bergen", None, "Oslo"),
    y=texts("no", "yes", "no", "yes"),
)


def learned(policy="impute", of=TRAINING, most=10):
    target = learn_target("y", of.columns["y"], "auto")
    return Preprocessing.learn(of, ["age", "city"], target, policy, most)


def test_numbers_stay_and_texts_become_one_input_a_category():
    preprocessing = learned()
    x, unknown = preprocessing.encode(TRAINING)
    assert preprocessing.inputs == ["age", "city=Bergen", "city=Oslo"]
    assert preprocessing.is_number.tolist() == [True, False, False]
    # The median of 20, 40, 70 and the more frequent city stand for what is missing.
    np.testing.assert_array_equal(x, [[20, 0, 1], [40, 1, 0], [40, 0, 1], [70, 0, 1]])
    assert unknown == {}


def test_unknown_categories_are_none_of_the_known_ones_and_are_counted():
    other = table(age=[1.0, 2.0, 3.0], city=texts("Rome", "Oslo", "Rome"))
    x, unknown = learned().encode(other)
    np.testing.assert_array_equal(x, [[1, 0, 0], [2, 0, 1], [3, 0, 0]])
    assert unknown == {"city": 2}


@pytest.mark.parametrize("policy", ["refuse", "drop"])
def test_missing_values_are_named_and_counted_where_they_are_not_imputed(policy):
    with pytest.raises(
        ValueError, match=r"'age' \(1 of 4\), 'city' \(1 of 4\).*--missing " + policy
    ):
        learned(policy).encode(TRAINING)


def test_numbers_and_their_texts_are_the_same_category():
    of = table(age=[1.0, 2.0], city=texts("7", "x"), y=texts("a", "b"))
    x, unknown = learned("refuse", of).encode(table(age=[1.0, 2.0], city=[7.0, 8.0]))
    np.testing.assert_array_equal(x, [[1, 1, 0], [2, 0, 0]])
    assert unknown == {"city": 1}


def test_texts_among_numbers_name_row_and_value():
    with pytest.raises(ValueError, match=r"column 'age' had numbers .* row 2 now holds 'old'"):
        learned().encode(table(age=texts("3", "old"), city=texts("Oslo", "Oslo")))
    x, _ = learned().encode(table(age=texts("3", None), city=texts("Oslo", "Oslo")))
    assert x[:, 0].tolist() == [3.0, 40.0]


def test_infinite_numbers_are_refused():
    with pytest.raises(ValueError, match="column 'age' has 2 infinite values"):
        learned().encode(table(age=[np.inf, -np.inf], city=texts("Oslo", "Oslo")))


def test_too_many_categories_and_empty_columns_are_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"'city' holds 2 different texts .*\(--ignore city\)"):
        learned(most=1)
    empty = table(age=[NAN, NAN], city=texts("a", "b"), y=texts("a", "b"))
    with pytest.raises(ValueError, match=r"column 'age' has no values .* --ignore age"):
        learned(of=empty)


def test_it_survives_json():
    preprocessing = learned()
    again = _preprocessing.restore(json.loads(json.dumps(preprocessing.describe())))
    assert again == preprocessing


@pytest.mark.parametrize("damage", [{}, {"columns": [{}]}, {"columns": 3}])
def test_descriptions_that_are_none_are_refused(damage):
    with pytest.raises(ValueError, match="not understood"):
        _preprocessing.restore(damage)


def test_columns_are_found_by_name_whatever_their_order():
    preprocessing = learned()
    shuffled = table(more=[0.0], city=texts("Oslo"), age=[3.0])
    np.testing.assert_array_equal(
        preprocessing.encode(preprocessing.align(shuffled))[0], [[3, 0, 1]]
    )
    with pytest.raises(LookupError, match="lack the columns 'age' of the training; did you mean"):
        preprocessing.align(table(Age=[3.0], city=texts("Oslo")))


def test_columns_without_names_are_taken_in_order_where_their_number_is_right():
    columns = {"0": np.array([3.0]), "1": texts("Oslo")}
    aligned = learned().align(Table(columns, 1, named=False))
    assert list(aligned.columns) == ["age", "city"]
    with pytest.raises(LookupError, match="age"):
        learned().align(Table({"0": np.array([3.0])}, 1, named=False))


# --- targets --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("column", "task", "classes"),
    [
        (texts("b", "a", "b"), "auto", ("a", "b")),
        (np.array([3.0, 1.0, 3.0]), "auto", (1, 3)),
        (np.array([0.5, 1.0, 0.5]), "auto", ()),
        (np.array([0.5, 1.0, 0.5]), "classification", (0.5, 1)),
        (np.arange(20.0), "auto", tuple(range(20))),
        (np.arange(21.0), "auto", ()),
        (np.array([0.0, 1.0]), "regression", ()),
    ],
)
def test_the_task_follows_from_the_target(column, task, classes):
    target = learn_target("y", column, task)
    assert target.classes == classes
    assert target.task == ("classification" if classes else "regression")
    assert [type(one) for one in target.classes] == [type(one) for one in classes]


def test_labels_are_places_among_the_classes_and_new_ones_are_refused():
    target = learn_target("y", np.array([3.0, 1.0, 3.0]), "auto")
    assert target.encode(np.array([1.0, 3.0])).tolist() == [0, 1]
    assert target.encode(texts("3", "1")).tolist() == [1, 0]
    with pytest.raises(ValueError, match="'2', which no training row had"):
        target.encode(np.array([2.0]))


@pytest.mark.parametrize(
    ("column", "task", "message"),
    [
        (texts("a", "a"), "auto", "one class only: 'a'"),
        (np.array([1.0, 1.0]), "regression", "is 1 in every row"),
        (texts("a", "b"), "regression", "holds texts"),
        (np.array([1.0, np.inf]), "auto", "infinite"),
        (np.linspace(0, 1, 30), "classification", "30 different fractional values"),
    ],
)
def test_targets_that_cannot_be_learned(column, task, message):
    with pytest.raises(ValueError, match=message):
        learn_target("y", column, task)
