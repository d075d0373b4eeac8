"""Where load_mnist and load_cats look for their files, and how they download them.

No test touches the network: downloads are answered by a stand-in for urllib's opener.
"""

import dataclasses
import hashlib
import io
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from shallowcore import datasets
from shallowcore.datasets import _cats, _mnist, _store
from small_mnist import idx_bytes, small_mnist, write_mnist

MNIST_NAMES = [file.name for file in _mnist.FILES]


@pytest.fixture
def mnist_folder(tmp_path):
    """A folder of its own with a small, valid MNIST."""
    return write_mnist(tmp_path / "mnist")


@pytest.fixture(autouse=True)
def nothing_on_this_machine(tmp_path, monkeypatch):
    """An empty cache, no SHALLOWCORE_DATA, no network."""

    def refuse(request, timeout):
        raise urllib.error.URLError("no network in tests")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("SHALLOWCORE_DATA", raising=False)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)


class Server:
    """Stands in for urlopen: serves `contents` by file name and records the addresses asked for."""

    def __init__(self, contents):
        self.contents = contents
        self.asked = []

    def __call__(self, request, timeout):
        self.asked.append(request.full_url)
        answer = self.contents(request.full_url)
        if isinstance(answer, BaseException):
            raise answer
        return io.BytesIO(answer)


@pytest.fixture
def serve(monkeypatch):
    """Make load_mnist expect the small MNIST; answer its requests with a function of the URL."""
    small = small_mnist()
    files = [
        dataclasses.replace(
            file,
            n_bytes=len(small[file.name]),
            sha256=hashlib.sha256(small[file.name]).hexdigest(),
        )
        for file in _mnist.FILES
    ]
    monkeypatch.setattr(_mnist, "FILES", files)

    def start(contents=lambda url: small[url.rsplit("/", 1)[1]]):
        server = Server(contents)
        monkeypatch.setattr(urllib.request, "urlopen", server)
        return server

    return start


# Where it is looked for


def test_variable_then_cache(mnist_folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache" / "shallowcore"
    cache.mkdir(parents=True)
    for path in mnist_folder.iterdir():
        (cache / path.name).write_bytes(path.read_bytes())
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(
        idx_bytes(np.array([9, 9, 9], dtype=np.uint8))
    )
    assert datasets.load_mnist()[1][1].tolist() == [9, 9, 9]
    monkeypatch.setenv("SHALLOWCORE_DATA", str(mnist_folder))
    assert datasets.load_mnist()[1][1].tolist() == [0, 1, 2]
    (mnist_folder / "train-images-idx3-ubyte.gz").unlink()
    assert datasets.load_mnist()[1][1].tolist() == [9, 9, 9]


def test_a_named_folder_is_the_only_place(mnist_folder, tmp_path, monkeypatch, serve):
    server = serve()
    monkeypatch.setenv("SHALLOWCORE_DATA", str(mnist_folder))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load_mnist(tmp_path / "nowhere")
    message = str(caught.value)
    assert "nowhere (the folder argument): no such folder" in message
    assert str(mnist_folder) not in message
    assert server.asked == []


@pytest.mark.parametrize("folder", [3, b"/data", ["a"]])
@pytest.mark.parametrize("load", [datasets.load_mnist, datasets.load_cats])
def test_folder_must_be_a_path(load, folder):
    with pytest.raises(TypeError, match=r"folder must be a path .* or None, got") as caught:
        load(folder)
    assert repr(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, ".cache/shallowcore"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, ".cache/shallowcore"),
        ("darwin", {}, "Library/Caches/shallowcore"),
        ("win32", {}, ".cache/shallowcore"),
        ("win32", {"LOCALAPPDATA": "local"}, "local/shallowcore/Cache"),
    ],
)
def test_cache_folder_of_each_platform(platform, variables, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(_store.Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value) if name == "LOCALAPPDATA" else value)
    assert _store.cache_folder() == tmp_path / expected


# Downloads


def test_download_fills_the_cache_once(serve, tmp_path, capsys):
    server = serve()
    (_, y_train), _ = datasets.load_mnist()
    assert y_train.tolist() == [0, 1, 2, 3, 4]
    assert server.asked == [file.urls[0] for file in _mnist.FILES]
    cache = tmp_path / "cache" / "shallowcore"
    assert sorted(path.name for path in cache.iterdir()) == sorted(MNIST_NAMES)
    assert capsys.readouterr().err.count("shallowcore: downloading https://") == 4
    datasets.load_mnist()
    assert len(server.asked) == 4


def test_download_goes_on_where_it_stopped(serve):
    small = small_mnist()
    server = serve(
        lambda url: ConnectionResetError("gone") if "t10k" in url else small[url.split("/")[-1]]
    )
    with pytest.raises(FileNotFoundError, match="gone"):
        datasets.load_mnist()
    assert len(server.asked) == 4
    server = serve()
    datasets.load_mnist()
    assert [url.split("/")[-1] for url in server.asked] == MNIST_NAMES[2:]


@pytest.mark.parametrize("failure", ["flipped", "short", "long", "reset", "missing"])
def test_second_mirror_serves_what_the_first_spoils(serve, tmp_path, failure):
    small = small_mnist()
    first = _mnist.FILES[0].urls[0].rsplit("/", 1)[0]

    def contents(url):
        good = small[url.rsplit("/", 1)[1]]
        spoiled = {
            "flipped": good[:-1] + bytes([good[-1] ^ 1]),
            "short": good[:-1],
            "long": good + b"\0",
            "reset": ConnectionResetError("gone"),
            "missing": urllib.error.HTTPError(url, 404, "Not Found", None, None),
        }
        return spoiled[failure] if url.startswith(first) else good

    server = serve(contents)
    assert datasets.load_mnist()[0][1].tolist() == [0, 1, 2, 3, 4]
    assert len(server.asked) == 8
    cache = tmp_path / "cache" / "shallowcore"
    assert sorted(path.name for path in cache.iterdir()) == sorted(MNIST_NAMES)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda good: good[:-1] + bytes([good[-1] ^ 1]), "checksum mismatch: SHA-256 is "),
        (lambda good: good[:10], "served 10 bytes, expected "),
        (lambda good: good * 2, "served more than "),
    ],
)
def test_a_wrong_download_is_refused_and_leaves_nothing(serve, tmp_path, spoil, message):
    small = small_mnist()
    server = serve(lambda url: spoil(small[url.rsplit("/", 1)[1]]))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load_mnist()
    for url in _mnist.FILES[0].urls:
        assert f"{url}: {message}" in str(caught.value)
    assert len(server.asked) == 2
    assert list((tmp_path / "cache" / "shallowcore").iterdir()) == []


def test_an_interrupted_download_leaves_nothing(serve, tmp_path):
    serve(lambda url: KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        datasets.load_mnist()
    assert list((tmp_path / "cache" / "shallowcore").iterdir()) == []


def test_without_network_the_error_says_how_to_get_the_files(tmp_path, monkeypatch):
    monkeypatch.setenv("SHALLOWCORE_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        datasets.load_mnist()
    message = str(caught.value)
    assert f"{tmp_path} (SHALLOWCORE_DATA): lacks {', '.join(MNIST_NAMES)}" in message
    assert f"{tmp_path / 'cache' / 'shallowcore'} (the cache)" in message
    assert "no network in tests" in message
    for file in _mnist.FILES:
        assert f"\n  {file.urls[0]}\n" in message
    assert message.endswith("pass it as folder=... or set SHALLOWCORE_DATA to it.")


@pytest.mark.parametrize("load", [datasets.load_mnist, datasets.load_cats])
def test_download_can_be_forbidden(load, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load(download=False)
    assert "failed" not in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path, serve):
    server = serve()
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(FileNotFoundError, match="cache"):
        datasets.load_mnist()
    assert server.asked == []


def test_every_file_has_a_whole_digest_and_secure_addresses():
    for file in [*_mnist.FILES, *_cats.FILES]:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.n_bytes > 0
        assert len(file.urls) == 2
        assert all(url.startswith("https://") and url.endswith(file.name) for url in file.urls)


def test_the_recorded_digests_are_those_of_the_real_files(data_folder):
    for file in [_mnist.FILES[2], *_cats.FILES]:
        content = (data_folder / file.name).read_bytes()
        assert len(content) == file.n_bytes
        assert hashlib.sha256(content).hexdigest() == file.sha256


@pytest.mark.parametrize("load", [datasets.load_mnist, datasets.load_cats])
def test_download_must_be_a_boolean(load):
    with pytest.raises(TypeError, match="download must be True or False, got 'no'"):
        load(download="no")
