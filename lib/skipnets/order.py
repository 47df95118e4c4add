"""The data order and the augmentation of each epoch, drawn from (seed, epoch) alone.

``fit(shuffle=True)`` after ``set_random_seed`` repeats one permutation in every epoch, and its state cannot be
saved. Drawing from (seed, epoch) differs per epoch and makes resuming exact.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

_ORDER, _SHIFT = 0, 1  # separate random streams
PADDING = 4


def permutation(seed: int, epoch: int, images: int) -> Indices:
    """Return the order of ``images`` training images in ``epoch`` (the first is 0)."""
    return np.random.default_rng([seed, epoch, _ORDER]).permutation(images)


def batches(seed: int, epoch: int, images: int, batch_size: int) -> list[Indices]:
    """Return that order in batches, the last of which may be smaller."""
    shuffled = permutation(seed, epoch, images)
    return [shuffled[first : first + batch_size] for first in range(0, images, batch_size)]


@lru_cache(maxsize=1)  # every step of an epoch asks for the same draw
def shifts_and_flips(seed: int, epoch: int, images: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Corner of the crop in the padded image, (n, 2) from 0 to 8, and whether it is flipped, (n,), per image."""
    rng = np.random.default_rng([seed, epoch, _SHIFT])
    corners = rng.integers(0, 2 * PADDING + 1, (images, 2), dtype=np.int32)
    return corners, rng.random(images) < 0.5


def shift_flip(
    images: npt.NDArray[np.uint8], corners: npt.NDArray[np.int32], flips: npt.NDArray[np.bool_]
) -> npt.NDArray[np.uint8]:
    """Pad (n, h, w, c) images with 4 zeros on each side, crop back at ``corners``, flip where asked.

    Source: He et al. 2015, section 4.2.
    """
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0)))
    rows = corners[:, :1] + np.arange(height)
    columns = corners[:, 1:] + np.arange(width)
    columns = np.where(flips[:, None], columns[:, ::-1], columns)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
