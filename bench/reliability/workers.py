"""Ways to start workers, each of which trains as its parent did before: digests are compared.

Run in a process of its own by forks.py: `workers.main(names, rounds)` prints a line for each round.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import shallowcore as sc
from shallowcore import layers, models

SEEDS = (0, 1)
THREADS = 2
HAS_FORK = hasattr(os, "fork")


# --- the work -------------------------------------------------------------------------------------
def data() -> tuple[Any, Any]:
    """Enough samples for two threads."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 300)).astype(np.float32), rng.integers(0, 10, 400)


def trained(seed: int, epochs: int = 2) -> models.Sequential:
    """A model trained on a team of threads, whatever number this machine has."""
    sc.set_num_threads(THREADS)
    x, y = data()
    stack = [layers.Input((300,)), layers.Dense(100, "relu"), layers.Dense(10, "softmax")]
    model = models.Sequential(stack, seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=200, epochs=epochs, verbose=0)
    return model


def digest(seed: int) -> str:
    """Of such a model."""
    return trained(seed).digest()


def digests() -> list[str]:
    """Of all seeds, one after another."""
    return [digest(seed) for seed in SEEDS]


def forked(work: Callable[[], bool]) -> bool:
    """Whether `work` says True in a forked child."""
    child = os.fork()
    if child == 0:
        right = False
        try:
            right = work()
        finally:
            os._exit(0 if right else 1)
    return os.waitpid(child, 0)[1] == 0


# --- ways to start workers: each says whether all came to the right result ------------------------
def fork(expected: list[str]) -> bool:
    return forked(lambda: digests() == expected)


def fork_from_a_thread(expected: list[str]) -> bool:
    """A thread that trained itself, while the main thread's team sleeps."""
    with ThreadPoolExecutor(1) as pool:
        same = pool.submit(digests).result() == expected
        return same and pool.submit(fork, expected).result()


def nested_fork(expected: list[str]) -> bool:
    """The child trains and forks, and so does its child."""
    return forked(
        lambda: digests() == expected and forked(lambda: digests() == expected and fork(expected))
    )


def fork_beside_a_training(expected: list[str]) -> bool:
    """Another thread is in the middle of a fit, which goes on undisturbed."""
    found: list[str] = []
    busy = threading.Thread(target=lambda: found.append(trained(SEEDS[0], epochs=30).digest()))
    busy.start()
    right = fork(expected)
    busy.join()
    return right and found == [trained(SEEDS[0], epochs=30).digest()]


def fork_in_a_signal_handler(expected: list[str]) -> bool:
    """Python's handlers run in the middle of a fit: the child trains another model, and leaves."""
    right: list[bool] = []
    before = signal.signal(signal.SIGALRM, lambda *_: right.append(fork(expected)))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.03)
        while not right:
            same = trained(SEEDS[0], epochs=30).digest()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return all(right) and same == trained(SEEDS[0], epochs=30).digest()


def by_multiprocessing(method: str) -> Callable[[list[str]], bool]:
    def start(expected: list[str]) -> bool:
        with multiprocessing.get_context(method).Pool(2) as pool:
            return pool.map(digest, SEEDS, chunksize=1) == expected

    return start


def by_process_pool(method: str) -> Callable[[list[str]], bool]:
    def start(expected: list[str]) -> bool:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
            return list(pool.map(digest, SEEDS)) == expected

    return start


def thread_pool(expected: list[str]) -> bool:
    """Different models at once."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(digest, SEEDS)) == expected


def one_model_many_predictors(expected: list[str]) -> bool:
    """One model predicts in four threads at once, also while another trains."""
    model, x = trained(SEEDS[0]), data()[0]
    parts = [x[i:] for i in range(8)]
    alone = [model.predict(part).tobytes() for part in parts]
    with ThreadPoolExecutor(5) as pool:
        training = pool.submit(digests)
        at_once = list(pool.map(lambda part: model.predict(part).tobytes(), parts * 4))
        return at_once == alone * 4 and training.result() == expected


def one_model_two_trainers(expected: list[str]) -> bool:
    """The second is refused; the first has the result that it has alone."""
    refused: list[BaseException | None] = []

    class Second(sc.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with ThreadPoolExecutor(1) as pool:
                again = pool.submit(self.model.fit, *data(), verbose=0)
                refused.append(again.exception())

    model = models.Sequential(
        [layers.Input((300,)), layers.Dense(100, "relu"), layers.Dense(10, "softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*data(), batch_size=200, epochs=2, callbacks=[Second()], verbose=0)
    clear = [isinstance(e, RuntimeError) and "another thread" in str(e) for e in refused]
    return len(clear) == 2 and all(clear) and model.digest() == expected[0]


def looking_at_a_training(expected: list[str]) -> bool:
    """Others read the model that trains: finite weights and outputs, and nothing breaks."""
    sound: list[bool] = []
    x, y = data()
    model = models.Sequential(
        [layers.Input((300,)), layers.Dense(100, "relu"), layers.Dense(10, "softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    training = threading.Thread(
        target=model.fit, args=(x, y), kwargs={"batch_size": 200, "epochs": 40, "verbose": 0}
    )
    training.start()
    while training.is_alive():
        outputs = model.predict(x[:50])
        figures = [model.evaluate(x[:50], y[:50]), *model.get_weights()]
        sound.append(
            bool(np.isfinite(outputs).all() and all(np.isfinite(f).all() for f in figures))
        )
        sound.append(len(model.digest()) == 16)
    training.join()
    return bool(sound) and all(sound) and model.digest() == trained(0, epochs=40).digest()


def by_joblib(backend: str) -> Callable[[list[str]], bool]:
    def start(expected: list[str]) -> bool:
        from joblib import Parallel, delayed

        work = (delayed(digest)(seed) for seed in SEEDS)
        return list(Parallel(n_jobs=2, backend=backend)(work)) == expected

    return start


def by_fresh_loky(expected: list[str]) -> bool:
    """New workers each round: loky keeps them otherwise."""
    from joblib.externals.loky import get_reusable_executor

    right = by_joblib("loky")(expected)
    get_reusable_executor().shutdown(wait=True)
    return right


def ways() -> dict[str, Callable[[list[str]], bool]]:
    """Everything that this system can do, by name."""
    found: dict[str, Callable[[list[str]], bool]] = {}
    if HAS_FORK:
        found = {
            "os.fork": fork,
            "os.fork from a thread": fork_from_a_thread,
            "os.fork, nested": nested_fork,
            "os.fork beside a training": fork_beside_a_training,
            "os.fork in a signal handler": fork_in_a_signal_handler,
        }
    for method in multiprocessing.get_all_start_methods():
        found[f"multiprocessing {method}"] = by_multiprocessing(method)
    for method in multiprocessing.get_all_start_methods():
        found[f"ProcessPoolExecutor {method}"] = by_process_pool(method)
    return found | {
        "joblib loky": by_joblib("loky"),
        "joblib loky, new workers": by_fresh_loky,
        "joblib multiprocessing": by_joblib("multiprocessing"),
        "joblib threading": by_joblib("threading"),
        "ThreadPoolExecutor": thread_pool,
        "one model, many predictors": one_model_many_predictors,
        "one model, two trainers": one_model_two_trainers,
        "looking at a training": looking_at_a_training,
    }


WAYS: Sequence[str] = tuple(ways())


def main(names: Sequence[str], rounds: int) -> None:
    """So many rounds of each; exit status 1 at the first wrong result."""
    expected = digests()
    for name in names:
        for _ in range(rounds):
            if not ways()[name](expected) or digests() != expected:
                print(f"{name}: a wrong result", file=sys.stderr)
                sys.exit(1)
            print(name, flush=True)
