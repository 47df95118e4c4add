"""Image sets: what is refused, what is brought to one form, and that the generated set is worth learning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skipnets import datasets
from skipnets.architectures import build
from skipnets.datasets import ImageSet, fetch, load
from skipnets.errors import BadInputError, SkipnetsError
from skipnets.specs import ResNet

Arrays = dict[str, Any]

rng = np.random.default_rng(0)
ARRAYS: Arrays = {
    "x_train": rng.integers(0, 256, (30, 8, 6, 3), dtype=np.uint8),
    "y_train": np.arange(30) % 10,
    "x_test": rng.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8),
    "y_test": np.arange(12) % 10,
}


@pytest.fixture(scope="module")
def synthetic() -> ImageSet:
    return datasets.synthetic()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the image folder, with a space and brackets in its name."""
    path = tmp_path / "image sets [1]"
    path.mkdir()
    monkeypatch.setenv("SKIPNETS_DATA", str(path))
    return path


@pytest.fixture
def save(folder: Path) -> Callable[..., Path]:
    def write(name: str = "my-set.v2", compressed: bool = True, **changes: Any) -> Path:
        arrays = {key: array for key, array in (ARRAYS | changes).items() if array is not None}
        path = folder / f"{name}.npz"
        (np.savez_compressed if compressed else np.savez)(path, **arrays)
        return path

    return write


def test_a_file_of_any_name_is_an_image_set(save: Callable[..., Path]) -> None:
    save("my-set.v2")
    images = load("my-set.v2")
    assert (images.name, images.classes) == ("my-set.v2", 10)
    for key, array in ARRAYS.items():
        assert (getattr(images, key) == array).all()


def test_digits_without_a_channel_and_labels_in_a_column_are_brought_to_one_form(save: Callable[..., Path]) -> None:
    save(
        "mnist",
        x_train=ARRAYS["x_train"][..., 0],
        x_test=ARRAYS["x_test"][..., 0],
        y_train=ARRAYS["y_train"].reshape(-1, 1).astype(np.uint8),
    )
    images = load("mnist")
    assert images.x_train.shape == (30, 8, 6, 1)
    assert (images.x_test[..., 0] == ARRAYS["x_test"][..., 0]).all()
    assert images.y_train.shape == (30,)
    assert images.y_train.dtype == np.int64


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_test": None}, "lacks an array: .*y_test"),
        ({"x_train": ARRAYS["x_train"].astype(np.float32)}, "x_train is float32, expected uint8"),
        ({"x_test": np.full((12, 8, 6, 3), np.inf)}, "x_test is float64, expected uint8"),
        ({"x_train": ARRAYS["x_train"].reshape(30, -1)}, r"x_train has shape \(30, 144\), expected"),
        ({"x_test": ARRAYS["x_test"][:0]}, r"x_test has shape \(0, 8, 6, 3\)"),
        ({"x_test": ARRAYS["x_test"][:, :7]}, r"training images of size \(8, 6, 3\), test images of size \(7, 6, 3\)"),
        ({"x_test": np.array(3)}, r"x_test has shape \(\)"),
        ({"y_train": ARRAYS["y_train"][:29]}, r"shape \(29,\), expected one integer for each of the 30 images"),
        ({"y_train": ARRAYS["y_train"].reshape(3, 10)}, r"y_train is int64 of shape \(3, 10\)"),
        ({"y_train": np.eye(10)[ARRAYS["y_train"]]}, r"y_train is float64 of shape \(30, 10\)"),
        ({"y_train": ARRAYS["y_train"].astype(float)}, "y_train is float64"),
        ({"y_train": ARRAYS["y_train"] - 1}, "y_train holds labels from -1 to 8, expected 0 to 8"),
        ({"y_test": ARRAYS["y_test"] + 5}, "y_test holds labels from 5 to 14, expected 0 to 9"),
        ({"y_train": np.zeros(30, int)}, "every label of y_train is 0, expected at least two classes"),
        ({"y_train": np.array([None] * 30)}, "is damaged or is not a plain .npz file"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_image_set_are_refused(save: Callable[..., Path], changes: Arrays, message: str) -> None:
    save(**changes)
    with pytest.raises(SkipnetsError, match=message) as caught:
        load("my-set.v2")
    assert "my-set.v2" in str(caught.value)


@pytest.mark.parametrize("part", [0, 0.01, 0.5, 0.95])
def test_a_truncated_file_is_damaged(save: Callable[..., Path], part: float) -> None:
    path = save()
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(SkipnetsError, match=r"my-set\.v2\.npz is damaged"):
        load("my-set.v2")


@pytest.mark.parametrize("compressed", [True, False])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_flipped_bit_never_changes_an_image_in_silence(
    save: Callable[..., Path], compressed: bool, place: float, bit: int
) -> None:
    path = save(compressed=compressed)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        images = load("my-set.v2")
    except SkipnetsError:
        return
    for key, array in ARRAYS.items():
        assert (getattr(images, key) == array).all()


def test_an_array_alone_is_not_an_image_set(folder: Path) -> None:
    with open(folder / "single.npz", "wb") as file:
        np.save(file, ARRAYS["x_train"])
    with pytest.raises(SkipnetsError, match=r"single\.npz is damaged or is not a plain \.npz file"):
        load("single")


def test_an_unknown_set_says_where_to_put_it(folder: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        load("svhn")
    for part in (str(folder / "svhn.npz"), "x_train, y_train, x_test, y_test", "SKIPNETS_DATA", "cifar10", "synthetic"):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["", "../secret", "/etc/passwd", "a/b", ".hidden", "a b", "a\0", "a\n", "x" * 300])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, save: Callable[..., Path], name: str) -> None:
    save().rename(tmp_path / "secret.npz")
    with pytest.raises(BadInputError, match="letters, digits, dots, hyphens and underscores"):
        load(name)


def test_a_file_comes_before_the_download(save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    save("cifar10")
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: pytest.fail("downloaded"))
    assert len(load("cifar10").x_train) == 30


def test_the_head_of_cifar10_is_cut_from_the_whole(
    folder: Path, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    few, many = ARRAYS, {name: np.concatenate([array] * 200) for name, array in ARRAYS.items()}
    save("cifar10", **many)
    head = load("cifar10-head")
    assert (head.name, len(head.y_train), len(head.y_test)) == ("cifar10-head", 4000, 1017)
    assert np.array_equal(head.x_train[: len(few["x_train"])], few["x_train"])
    save("cifar10-head")
    assert len(load("cifar10-head").y_train) == len(few["y_train"])


def test_cifar10_jpeg_is_made_of_cifar10(save: Callable[..., Path]) -> None:
    """JPEG keeps a grey image but for rounding, blurs colours more than brightness, and leaves the labels alone."""
    rng = np.random.default_rng(0)
    train, test = len(ARRAYS["x_train"]), len(ARRAYS["x_test"])
    grey = np.broadcast_to(rng.integers(0, 256, (train, 1, 1, 1)), (train, 32, 32, 3)).astype(np.uint8)
    bright = np.repeat(rng.integers(64, 192, (test, 32, 32, 1)), 3, axis=3).astype(np.uint8)
    colour = np.full((test, 32, 32, 3), 128, dtype=np.uint8)
    colour[..., 0], colour[..., 2] = bright[..., 0], 255 - bright[..., 0]

    def lost(images: npt.NDArray[np.uint8]) -> float:
        save("cifar10", x_train=grey, x_test=images)
        made = load("cifar10-jpeg")
        assert made.name == "cifar10-jpeg"
        assert made.y_train.tolist() == ARRAYS["y_train"].tolist()
        assert np.abs(made.x_train.astype(int) - grey).max() <= 1
        return float(np.abs(made.x_test.astype(int) - images).mean())

    assert 0 < lost(bright) < 0.5 * lost(colour)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names that were downloaded; CIFAR-100 cannot be."""
    asked = []

    def give() -> Any:
        asked.append("cifar10")
        return (ARRAYS["x_train"], ARRAYS["y_train"][:, None]), (ARRAYS["x_test"], ARRAYS["y_test"][:, None])

    def refuse() -> Any:
        raise Exception("URL fetch failure: no route to host")  # as Keras raises it

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", give)
    monkeypatch.setattr(keras.datasets.cifar100, "load_data", refuse)
    return asked


def test_a_known_set_is_downloaded(downloads: list[str]) -> None:
    assert load("cifar10").y_test.tolist() == ARRAYS["y_test"].tolist()
    assert downloads == ["cifar10"]


def test_fetch_keeps_a_checked_copy_and_downloads_once(downloads: list[str], folder: Path) -> None:
    path = fetch("cifar10")
    assert path == folder / "cifar10.npz"
    assert fetch("cifar10") == path
    assert load("cifar10").fingerprints() == ImageSet("cifar10", **ARRAYS, classes=10).fingerprints()
    assert downloads == ["cifar10"]


def test_fetch_refuses_a_damaged_copy(downloads: list[str], folder: Path) -> None:
    (folder / "cifar10.npz").write_bytes(b"garbage")
    with pytest.raises(SkipnetsError, match=r"cifar10\.npz is damaged"):
        fetch("cifar10")
    assert downloads == []
    assert (folder / "cifar10.npz").read_bytes() == b"garbage"


@pytest.mark.usefixtures("downloads")
def test_a_failed_download_says_what_to_do_and_leaves_nothing(folder: Path) -> None:
    for attempt in (load, fetch):
        with pytest.raises(SkipnetsError, match=r"no route to host.*skipnets data fetch cifar100"):
            attempt("cifar100")
    assert list(folder.iterdir()) == []


def test_only_known_sets_can_be_fetched() -> None:
    with pytest.raises(BadInputError, match="'svhn' cannot be downloaded; these can: mnist, cifar10, cifar100"):
        fetch("svhn")


def test_images_are_taken_in_the_sets_own_order() -> None:
    images = ImageSet("set", **ARRAYS, classes=10).select(train_images=10, test_images=5, train_offset=15)
    assert (images.x_train == ARRAYS["x_train"][15:25]).all()
    assert (images.y_train == ARRAYS["y_train"][15:25]).all()
    assert (images.x_test == ARRAYS["x_test"][:5]).all()
    assert len(images.y_test) == 5


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"train_images": 31, "test_images": 5}, "'set' has 30 train images, 31 are needed"),
        ({"train_images": 20, "test_images": 5, "train_offset": 11}, "'set' has 30 train images, 31 are needed"),
        ({"train_images": 20, "test_images": 13}, "'set' has 12 test images, 13 are needed"),
    ],
)
def test_too_few_images_are_bad_input(wanted: dict[str, int], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        ImageSet("set", **ARRAYS, classes=10).select(**wanted)


@given(st.sampled_from(sorted(ARRAYS)), st.data())
def test_a_fingerprint_changes_with_its_array_alone(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, ARRAYS[key].size - 1))
    changed = ARRAYS[key].copy()
    changed.flat[place] ^= 1
    before = ImageSet("set", **ARRAYS, classes=10).fingerprints()
    after = ImageSet("set", **(ARRAYS | {key: changed}), classes=10).fingerprints()
    assert {name for name in ARRAYS if before[name] != after[name]} == {key}


def test_a_fingerprint_sees_the_shape() -> None:
    turned = ARRAYS | {key: ARRAYS[key].reshape(len(ARRAYS[key]), 6, 8, 3) for key in ("x_train", "x_test")}
    before = ImageSet("set", **ARRAYS, classes=10).fingerprints()
    after = ImageSet("set", **turned, classes=10).fingerprints()
    assert {name for name in ARRAYS if before[name] != after[name]} == {"x_train", "x_test"}


def test_generated_images_repeat_with_their_seed() -> None:
    one, again, other = (datasets.synthetic(20, 10, seed).fingerprints() for seed in (1, 1, 2))
    assert one == again
    assert not set(one.values()) & set(other.values())


def test_the_loaded_synthetic_set_is_the_generated_one(synthetic: ImageSet) -> None:
    images = load("synthetic")
    assert images.fingerprints() == synthetic.fingerprints()
    assert images.x_train.shape == (3000, 32, 32, 3)
    assert images.x_test.shape == (1100, 32, 32, 3)
    assert np.bincount(images.y_train, minlength=10).min() > 250


def test_a_linear_model_stays_near_chance_on_synthetic(synthetic: ImageSet) -> None:
    x_train, x_test = (x.reshape(len(x), -1) / np.float32(255) for x in (synthetic.x_train, synthetic.x_test))
    mean = x_train.mean(axis=0)
    kernel, test_kernel = (x_train - mean) @ (x_train - mean).T, (x_test - mean) @ (x_train - mean).T
    targets = np.eye(10, dtype=np.float32)[synthetic.y_train]
    for penalty in (10, 100, 1000):
        dual = np.linalg.solve(kernel + penalty * np.eye(len(kernel), dtype=np.float32), targets - targets.mean(axis=0))
        assert ((test_kernel @ dual).argmax(axis=1) == synthetic.y_test).mean() < 0.30


def test_a_small_convolutional_net_learns_synthetic(synthetic: ImageSet) -> None:
    keras.utils.set_random_seed(0)
    model = build(ResNet())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.001), loss, metrics=["accuracy"])
    model.fit(synthetic.x_train[:1500] / np.float32(255), synthetic.y_train[:1500], batch_size=32, epochs=3, verbose=0)
    outputs = model.predict(synthetic.x_test / np.float32(255), batch_size=500, verbose=0)
    assert (outputs.argmax(axis=1) == synthetic.y_test).mean() > 0.8


def test_the_default_folder_lies_in_the_book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKIPNETS_DATA")
    assert datasets.image_folder().parts[-2:] == ("data", "cache")


def test_jpeg_has_the_quality_and_the_colours_that_its_docstring_says(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    real = datasets.Image.open

    def keep(file: Any) -> Any:
        opened.append(real(file))
        return opened[-1]

    monkeypatch.setattr(datasets.Image, "open", keep)
    datasets.jpeg(datasets.synthetic(1, 1))
    assert opened[0].quantization[0][:4] == [8, 6, 5, 8]  # half of the standard's 16 11 10 16 (Annex K, Table K.1)
    assert [part[1:3] for part in opened[0].layer] == [(2, 2), (1, 1), (1, 1)]
