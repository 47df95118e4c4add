"""Named image sets: four checked arrays and their fingerprints."""

import hashlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from skipnets.errors import BadInputError, SkipnetsError
from skipnets.files import read_arrays, write_atomically
from skipnets.paths import image_folder
from skipnets.specs import IMAGE_SET_NAME, RunSpec

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

DOWNLOADABLE = ("mnist", "cifar10", "cifar100")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class ImageSet:
    """Images (n, height, width, channels) in uint8 and labels (n,) counted from 0."""

    name: str
    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels
    classes: int

    def select(self, train_images: int, test_images: int, train_offset: int = 0) -> "ImageSet":
        """Take ``train_images`` from ``train_offset`` and the first ``test_images``, in the set's own order.

        Raises:
            BadInputError: The set has fewer images than asked for.
        """
        wanted = {"train": (train_offset + train_images, self.y_train), "test": (test_images, self.y_test)}
        for part, (needed, labels) in wanted.items():
            if needed > len(labels):
                raise BadInputError(f"image set {self.name!r} has {len(labels)} {part} images, {needed} are needed")
        train, test = slice(train_offset, train_offset + train_images), slice(test_images)
        return ImageSet(
            self.name, self.x_train[train], self.y_train[train], self.x_test[test], self.y_test[test], self.classes
        )

    def fingerprints(self) -> dict[str, str]:
        """First 16 hex digits of each array's SHA-256 (shape included)."""
        return {name: _fingerprint(getattr(self, name)) for name in ARRAYS}

    def require(self, fingerprints: Mapping[str, str], what: str) -> None:
        """Refuse to go on with ``what``, which was made on images with these ``fingerprints``, where they are others.

        Raises:
            SkipnetsError: An array named there has another fingerprint here.
        """
        here = self.fingerprints()
        if other := [name for name in ARRAYS if fingerprints.get(name, here[name]) != here[name]]:
            made_on, found = (", ".join(f"{name} {of[name]}" for name in other) for of in (fingerprints, here))
            raise SkipnetsError(
                f"{what} was made on other images ({made_on}) than image set {self.name!r} has now ({found}); "
                "put those back, or delete that file to train anew"
            )


def _fingerprint(array: npt.NDArray[np.generic]) -> str:
    digest = hashlib.sha256(repr(array.shape).encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def load(name: str) -> ImageSet:
    """Load image set ``name``: ``synthetic``, or ``<name>.npz`` of the image folder, or Keras' verified download.

    ``cifar10-head`` is the first 4,000 training and 1,017 test images of CIFAR-10, ``cifar10-jpeg`` all of them after
    ``jpeg``; without files of their own both are made from ``cifar10``.

    Raises:
        BadInputError: No such image set here; the message says what to do.
        SkipnetsError: A file cannot be read, is damaged, or its arrays are not those of an image set.
    """
    if name == "synthetic":
        return synthetic()
    if not re.fullmatch(IMAGE_SET_NAME, name):
        raise BadInputError(f"image set {name!r}: a name has up to 64 letters, digits, dots, hyphens and underscores")
    path = image_folder() / f"{name}.npz"
    if (arrays := _read(path)) is not None:
        return _check(name, arrays)
    if name in DOWNLOADABLE:
        return _check(name, _download(name))
    if name in MADE_OF_CIFAR10:
        return _made_of_cifar10(name, image_folder())
    raise BadInputError(
        f"image set {name!r}: there is no {path}. Put a file with the arrays {', '.join(ARRAYS)} there, or set "
        "SKIPNETS_DATA to the folder that holds it; known without a file: "
        f"{', '.join([*FETCHABLE, 'synthetic'])}"
    )


def load_for(spec: RunSpec) -> ImageSet:
    """Load the images that a run trains, validates and tests on.

    Raises:
        BadInputError: No such image set here, or it has fewer images.
        SkipnetsError: As ``load``.
    """
    return load(spec.image_set).select(spec.train_images, spec.test_images, spec.train_offset)


@lru_cache(maxsize=1)
def _made_of_cifar10(name: str, folder: Path) -> ImageSet:
    """Make a set of the ``cifar10`` of that image folder, once for all runs of a process: jpeg takes 20 seconds."""
    return replace(MADE_OF_CIFAR10[name](load("cifar10")), name=name)


def jpeg(images: ImageSet) -> ImageSet:
    """Compress every image as a JPEG file of its own, of quality 75, colours at half the resolution (4:2:0)."""

    def reopened(pixels: Images) -> Images:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=75, subsampling="4:2:0")
        return np.asarray(Image.open(file).convert("RGB"))

    train, test = (np.stack([reopened(pixels) for pixels in part]) for part in (images.x_train, images.x_test))
    return replace(images, x_train=train, x_test=test)


#: Image sets that are made of CIFAR-10 where they have no file of their own.
MADE_OF_CIFAR10: dict[str, Callable[[ImageSet], ImageSet]] = {
    "cifar10-head": lambda images: images.select(4000, 1017),
    "cifar10-jpeg": jpeg,
}


#: Image sets that can be had without a file.
FETCHABLE = (*DOWNLOADABLE, *MADE_OF_CIFAR10)


def fetch(name: str) -> Path:
    """Download ``name`` and keep it as ``<name>.npz`` in the image folder, ready for a machine without network.

    A file that is there already is checked and left as it is.

    Raises:
        BadInputError: ``name`` is not one that Keras can download, nor made of one.
        SkipnetsError: It cannot be downloaded or written, or the file that is there is damaged.
    """
    if name not in FETCHABLE:
        raise BadInputError(f"image set {name!r} cannot be downloaded; these can: {', '.join(FETCHABLE)}")
    images, path = load(name), image_folder() / f"{name}.npz"
    if not path.exists():
        arrays = {key: getattr(images, key) for key in ARRAYS}
        write_atomically(path, lambda file: np.savez_compressed(file, **arrays))
    return path


def _read(path: Path) -> dict[str, npt.NDArray[np.generic]] | None:
    try:
        arrays = read_arrays(path)
    except ValueError as error:
        raise SkipnetsError(f"{path} is damaged or is not a plain .npz file: {error}") from error
    if arrays is None:
        return None
    if lacking := [name for name in ARRAYS if name not in arrays]:
        raise SkipnetsError(f"{path} lacks an array: {', '.join(lacking)}")
    return {name: arrays[name] for name in ARRAYS}


def _download(name: str) -> dict[str, npt.NDArray[np.generic]]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises bare Exception for network trouble
        raise SkipnetsError(
            f"image set {name!r} is not in {image_folder()} and could not be downloaded ({error}); on a machine with "
            f"network run: skipnets data fetch {name}, and copy the file here"
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def _check(name: str, arrays: dict[str, npt.NDArray[np.generic]]) -> ImageSet:
    """Bring the arrays to one form and refuse what is not an image set."""
    for key in ("x_train", "x_test"):
        array = arrays[key]
        if array.ndim == 3:
            array = arrays[key] = array[..., np.newaxis]
        if array.ndim != 4 or 0 in array.shape:
            raise SkipnetsError(
                f"image set {name!r}: {key} has shape {array.shape}, expected (n, height, width, channels)"
            )
        if array.dtype != np.uint8:
            raise SkipnetsError(f"image set {name!r}: {key} is {array.dtype}, expected uint8 pixels from 0 to 255")
    for key in ("y_train", "y_test"):
        labels, images = arrays[key], arrays[key.replace("y", "x")]
        if labels.dtype.kind not in "iu" or labels.shape not in {(len(images),), (len(images), 1)}:
            raise SkipnetsError(
                f"image set {name!r}: {key} is {labels.dtype} of shape {labels.shape}, expected one integer for each "
                f"of the {len(images)} images"
            )
        arrays[key] = labels.reshape(-1).astype(np.int64)
    train, test = (arrays[key].shape[1:] for key in ("x_train", "x_test"))
    if train != test:
        raise SkipnetsError(f"image set {name!r}: training images of size {train}, test images of size {test}")
    classes = int(arrays["y_train"].max()) + 1
    if classes < 2:
        raise SkipnetsError(f"image set {name!r}: every label of y_train is 0, expected at least two classes")
    for key in ("y_train", "y_test"):
        low, high = int(arrays[key].min()), int(arrays[key].max())
        if low < 0 or high >= classes:
            raise SkipnetsError(
                f"image set {name!r}: {key} holds labels from {low} to {high}, expected 0 to {classes - 1}"
            )
    return ImageSet(name, **arrays, classes=classes)  # type: ignore[arg-type]


def synthetic(train_images: int = 3000, test_images: int = 1100, seed: int = 0) -> ImageSet:
    """Ten classes of textures, 32x32x3: a motif of 3x3 pixels for each class, strewn over a noisy grey.

    The motifs lie anywhere and sum to zero, so that every pixel's class mean is the same grey and a linear model
    stays near chance, while a small convolutional net finds the motif. Used by tests and smoke runs.
    """
    rng = np.random.default_rng(seed)
    total = train_images + test_images
    labels = rng.integers(0, 10, total)
    motifs = rng.choice([-60.0, 60.0], (10, 3, 3, 3))
    motifs -= motifs.mean(axis=(1, 2), keepdims=True)
    places = rng.random((total, 32, 32)) < 0.1
    images = rng.normal(128, 5, (total, 32, 32, 3))
    for row, column in np.ndindex(3, 3):
        moved = np.roll(places, (row, column), axis=(1, 2))
        images += moved[..., np.newaxis] * motifs[labels, row, column][:, np.newaxis, np.newaxis]
    pixels = np.clip(images, 0, 255).astype(np.uint8)
    return ImageSet(
        "synthetic", pixels[:train_images], labels[:train_images], pixels[train_images:], labels[train_images:], 10
    )
