"""Tables to models to predictions, by the command line."""

import csv
import io
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from command_lines import N_ROWS, call, call_json, lines, shop, write_csv, write_tables
from shallowcore import _files, models
from shallowcore._cli import _saved, _tables

pytest.importorskip("pandas")
pytest.importorskip("safetensors")

QUICK = ("--hidden", "8", "--epochs", "30")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables, and a model of each kind."""
    place = write_tables(tmp_path_factory.mktemp("tables"))
    common = ("--missing", "impute", "--save", place / "shop.safetensors")
    assert call("train", place / "shop.csv", "--target", "bought", *common, *QUICK) == 0
    common = ("--save", place / "lines.safetensors", "--hidden", "none", "--learning-rate", "0.05")
    assert call("train", place / "lines.csv", "--target", "y", *common) == 0
    return place


def run(*arguments, **options):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "shallowcore", *map(str, arguments)],
        capture_output=True,
        timeout=180,
        check=False,
        **options,
    )


# --- train ----------------------------------------------------------------------------------------
def test_training_beats_the_baseline_and_says_so(folder, capsys):
    arguments = ("train", folder / "shop.csv", "--target", "bought", "--missing", "impute")
    result = call_json(capsys, *arguments, "--epochs", "60")
    assert result["task"] == "classification"
    assert result["classes"] == ["no", "yes"]
    assert result["rows"] == {"train": 96, "validation": 24}
    assert result["inputs"] == [
        "age",
        *(f"city={name}" for name in ("Bergen", "Oslo", "Tromsø")),
        "member=False",
        "member=True",
    ]
    metrics = result["metrics"]
    assert metrics["validation"]["accuracy"] > metrics["baseline"]["accuracy"] + 0.2
    assert metrics["validation"]["log_loss"] < 0.7 * metrics["baseline"]["log_loss"]
    assert np.sum(result["confusion_matrix"]) == 24
    right = np.trace(result["confusion_matrix"]) / 24
    assert metrics["validation"]["accuracy"] == pytest.approx(right)
    assert len(result["history"]["val_loss"]) == result["epochs"]
    assert result["saved"] is None


def test_regression_finds_the_line(folder, capsys):
    result = call_json(capsys, "evaluate", folder / "lines.safetensors", folder / "lines.csv")
    assert result["task"] == "regression"
    assert result["metrics"]["r2"] > 0.99
    y = np.array(lines()["y"])
    predicted = call_json(capsys, "predict", folder / "lines.safetensors", folder / "lines.csv")
    error = np.array(predicted["predictions"]) - y
    assert result["metrics"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)
    assert result["metrics"]["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-5)
    assert result["metrics"]["r2"] == pytest.approx(1 - np.var(error) / np.var(y), abs=1e-3)


def test_the_same_seed_gives_the_same_model_and_another_does_not(folder, tmp_path):
    digests = []
    for seed in (3, 3, 4):
        saved = tmp_path / "m.safetensors"
        common = ("--missing", "drop", "--seed", seed, "--save", saved, *QUICK)
        assert call("train", folder / "shop.csv", "--target", "bought", *common) == 0
        digests.append(models.load_model(saved).digest())
    assert digests[0] == digests[1] != digests[2]


def test_validation_rows_are_each_class_by_its_share(folder, capsys):
    arguments = ("train", folder / "shop.csv", "--target", "city", "--missing", "drop", *QUICK)
    result = call_json(capsys, *arguments, "--validation", "0.25")
    n_rows, n_validation = sum(result["rows"].values()), result["rows"]["validation"]
    assert n_validation == n_rows // 4
    cities = [c for c, a in zip(shop()["city"], shop()["age"], strict=True) if None not in (a, c)]
    wanted = [cities.count(name) / 4 for name in result["classes"]]
    np.testing.assert_allclose(np.sum(result["confusion_matrix"], axis=1), wanted, atol=1)


def test_without_validation_all_rows_train_all_epochs(folder, capsys):
    arguments = ("train", folder / "lines.csv", "--target", "y", "--validation", "0", *QUICK)
    result = call_json(capsys, *arguments)
    assert result["rows"] == {"train": 100}
    assert result["epochs"] == 30
    assert set(result["metrics"]) == {"train", "baseline"}


def test_a_column_far_from_zero_is_computed_in_float64(tmp_path, capsys):
    far = lines() | {"a": [1e6 + value for value in lines()["a"]]}
    data = write_csv(tmp_path / "far.csv", far)
    arguments = ("train", data, "--target", "y", "--hidden", "none", "--solver", "lbfgs")
    result = call_json(capsys, *arguments)
    assert result["dtype"] == "float64"
    assert result["metrics"]["validation"]["r2"] > 0.999


# --- train, save, predict -------------------------------------------------------------------------
def test_saved_models_predict_as_the_model_does_in_python(folder, capsys):
    saved = _saved.load(str(folder / "shop.safetensors"))
    x, _ = saved.preprocessing.encode(_tables.read(str(folder / "shop.csv")))
    expected = models.load_model(folder / "shop.safetensors").predict(x)
    command = ("predict", folder / "shop.safetensors", folder / "shop.csv", "--proba")
    result = call_json(capsys, *command)
    np.testing.assert_array_equal(np.float32(result["probabilities"]), expected)
    labels = [("no", "yes")[i] for i in expected.argmax(axis=1)]
    assert result["predictions"] == labels
    assert call(*command) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows[0] == ["prediction", "probability_no", "probability_yes"]
    assert [row[0] for row in rows[1:]] == labels
    np.testing.assert_array_equal(np.float32([row[1:] for row in rows[1:]]), expected)


@pytest.mark.parametrize("form", ["parquet", "npz", "tsv", "csv.gz"])
def test_other_files_give_the_same_predictions(form, folder, tmp_path, capsys):
    import pandas

    frame = pandas.read_csv(folder / "lines.csv")
    path = tmp_path / f"lines.{form}"
    if form == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    elif form == "npz":
        np.savez(path, **{name: frame[name].to_numpy() for name in frame})
    else:
        frame.to_csv(path, sep="\t" if form == "tsv" else ",", index=False)
    model = folder / "lines.safetensors"
    expected = call_json(capsys, "predict", model, folder / "lines.csv")
    assert call_json(capsys, "predict", model, path) == expected


def test_matrices_have_numbers_for_names(tmp_path, capsys):
    matrix = np.array(list(lines().values())).T
    np.save(tmp_path / "all.npy", matrix)
    np.save(tmp_path / "inputs.npy", matrix[:, :2])
    saved = tmp_path / "m.safetensors"
    common = ("--hidden", "none", "--solver", "lbfgs", "--save", saved)
    assert call("train", tmp_path / "all.npy", "--target", "-1", *common) == 0
    with_target = call_json(capsys, "predict", saved, tmp_path / "all.npy")
    assert with_target["target"] == "2"
    assert call_json(capsys, "predict", saved, tmp_path / "inputs.npy") == with_target
    np.testing.assert_allclose(with_target["predictions"], matrix[:, 2], rtol=1e-4)


def test_predictions_go_through_pipes_and_into_files(folder, tmp_path):
    command = ("predict", folder / "shop.safetensors")
    piped = run(*command, "-", input=(folder / "shop.csv").read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    out = tmp_path / "out.csv"
    assert call(*command, folder / "shop.csv", "-o", out) == 0
    assert out.read_bytes() == piped.stdout.replace(b"\r\n", b"\n")
    assert len(out.read_text().splitlines()) == N_ROWS + 1


def test_new_categories_and_columns_are_said_beside_the_result(folder, tmp_path, capsys):
    other = shop() | {"city": ["Rome"] * N_ROWS, "more": [1] * N_ROWS}
    data = write_csv(tmp_path / "other.csv", other)
    capsys.readouterr()
    assert call("predict", folder / "shop.safetensors", data) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == N_ROWS + 1
    assert f"column 'city': {N_ROWS} values that the training did not have" in shown.err
    assert "left out: 'more'" in shown.err


# --- the file -------------------------------------------------------------------------------------
def test_model_files_are_plain_models_with_a_key_more(folder, tmp_path):
    model = models.load_model(folder / "shop.safetensors")
    model.save(tmp_path / "plain.safetensors")
    assert models.load_model(tmp_path / "plain.safetensors").digest() == model.digest()
    assert _saved.load_preprocessing(str(tmp_path / "plain.safetensors")) is None
    assert call("predict", tmp_path / "plain.safetensors", folder / "shop.csv") == 1


def test_damaged_preprocessing_is_noticed(folder, tmp_path, capsys):
    content = (folder / "shop.safetensors").read_bytes()
    assert content.count(b"Bergen") == 1
    path = tmp_path / "m.safetensors"
    path.write_bytes(content.replace(b"Bergen", b"Bargen"))
    assert call("predict", path, folder / "shop.csv") == 1
    assert "preprocessing is damaged" in capsys.readouterr().err


def test_preprocessing_of_a_later_version_is_refused(folder, tmp_path, capsys):
    saved = _saved.load(str(folder / "shop.safetensors"))
    path = tmp_path / "m.safetensors"
    saved.model.save_with(path, {_saved.KEY: {"version": 2}})
    with _files.ModelFile(str(path)) as file:
        assert file.further(_saved.KEY) == {"version": 2}
    assert call("predict", path, folder / "shop.csv") == 1
    assert "later version" in capsys.readouterr().err


def test_info_shows_what_a_model_is(folder, capsys):
    result = call_json(capsys, "info", folder / "shop.safetensors")
    kinds = {one["name"]: one["kind"] for one in result["preprocessing"]["columns"]}
    assert kinds == {"age": "number", "city": "category", "member": "category"}
    assert result["preprocessing"]["target"] == {"name": "bought", "classes": ["no", "yes"]}
    assert set(result["training"]["metrics"]) == {"train", "validation", "baseline"}
    assert call("info", folder / "shop.safetensors") == 0
    text = capsys.readouterr().out
    assert "classification of 'bought'" in text
    assert "3 categories" in text
    assert "instruction set" in call_json(capsys, "info")


# --- Ctrl-C, readers that go away -----------------------------------------------------------------
def interrupt_soon():
    time.sleep(0.3)
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_the_model_trained_so_far(folder, tmp_path, capsys, monkeypatch):
    def fit(model, *arguments, **options):
        thread.start()
        return original(model, *arguments, **options)

    original, thread = models.Sequential.fit, threading.Thread(target=interrupt_soon)
    monkeypatch.setattr(models.Sequential, "fit", fit)
    saved = tmp_path / "m.safetensors"
    command = ("train", folder / "lines.csv", "--target", "y", "--epochs", "1000000000")
    code = call(*command, "--validation", "0", "--save", saved)
    thread.join()
    assert code == 130
    assert "stopped by Ctrl-C; the model trained so far is in" in capsys.readouterr().err
    result = call_json(capsys, "evaluate", saved, folder / "lines.csv")
    assert result["metrics"]["r2"] > 0.9
    assert call_json(capsys, "info", saved)["training"]["stop_reason"] == "interrupted"


def test_a_reader_of_predictions_that_goes_away_gets_no_traceback(folder):
    with subprocess.Popen(
        [sys.executable, "-m", "shallowcore", "predict", "shop.safetensors", "shop.csv"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(180) == 1


def test_ctrl_c_before_the_first_epoch_still_saves(folder, tmp_path, capsys, monkeypatch):
    def fit(model, x, *arguments, **options):
        original(model, x, *arguments, **{**options, "epochs": 0})
        raise KeyboardInterrupt

    original = models.Sequential.fit
    monkeypatch.setattr(models.Sequential, "fit", fit)
    saved, plot = tmp_path / "m.safetensors", tmp_path / "loss.png"
    command = ("train", folder / "lines.csv", "--target", "y", "--save", saved)
    assert call(*command) == 130
    assert call(*command[:-2]) == 130  # nothing to save: one line says so
    assert capsys.readouterr().err.endswith("\nshallowcore: stopped by Ctrl-C\n")
    assert call_json(capsys, "info", saved)["training"]["epochs"] == 0
    pytest.importorskip("matplotlib")
    assert call(*command, "--plot", plot) == 130
    assert not plot.exists()
