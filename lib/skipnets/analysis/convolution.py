"""Convolution: Equation 2 of document 000 as printed, what Keras computes, and what of a shift survives a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import keras
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from skipnets.errors import BadInputError

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

#: What a convolution sees beyond the border: nothing, so that its output is smaller; zeros; the opposite border.
Border = Literal["valid", "same", "periodic"]


def equation_2(image: Array, kernel: Array) -> Array:
    """Convolve as Equation 2 says: S(i, j) = sum over m, n of I(i - m, j - n) K(m, n), indices from 0.

    Args:
        image: of shape (height, width), 0 outside.
        kernel: of shape (rows, columns).

    Returns:
        Every S that is not empty, of shape (height + rows - 1, width + columns - 1).
    """
    (height, width), (rows, columns) = image.shape, kernel.shape
    result = np.zeros((height + rows - 1, width + columns - 1))
    for m in range(rows):
        for n in range(columns):
            result[m : m + height, n : n + width] += image * kernel[m, n]
    return result


def keras_convolution(images: Floats, kernels: Floats, border: Border = "valid", stride: int = 1) -> Floats:
    """Convolve as Keras does: S(i, j) = sum over m, n of I(i + m, j + n) K(m, n), summed over channels.

    Args:
        images: of shape (n, height, width, channels).
        kernels: of shape (rows, columns, channels, filters), rows and columns odd.
        border: what lies around the images.
        stride: pixels from one output to the next.

    Returns:
        Maps of shape (n, height', width', filters).
    """
    if border == "periodic":
        around = [(0, 0), *((side // 2, side // 2) for side in kernels.shape[:2]), (0, 0)]
        images = np.pad(images, around, mode="wrap")
    padding = "same" if border == "same" else "valid"
    return keras.ops.convert_to_numpy(keras.ops.conv(images, kernels, strides=stride, padding=padding))


def max_pooling(maps: Floats, size: int) -> Floats:
    """Return the largest value of each ``size`` x ``size`` square of maps (n, height, width, channels)."""
    return keras.ops.convert_to_numpy(keras.ops.max_pool(maps, size))


def textures(side: int, seed: int) -> Floats:
    """Return eight smooth random images (8, side, side, 3) between 0 and 1 that continue across their borders."""
    noise = np.random.default_rng(seed).normal(size=(8, side, side, 3))
    smooth = gaussian_filter(noise, sigma=(0, 1.5, 1.5, 0), mode="wrap")
    return ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)


def shift_errors(
    function: Callable[[Floats], Floats], images: Floats, shifts: Sequence[int], stride: int | None = 1
) -> Array:
    """How far a function is from doing to its output what was done to its input.

    The images move down by a shift, with what leaves below coming back above. The output should move by
    shift / stride; where that is no whole number, the better of its two neighbours counts.

    Args:
        function: from images (n, height, width, channels) to outputs (n, ...).
        images: the images.
        shifts: pixels to move them down.
        stride: pixels of the input to one of the output; None if the output should not change at all.

    Returns:
        For each shift, the distance between what comes and what should come, in units of the distance between the
        outputs of two different images: at 1 a shift changes as much as another image does.

    Raises:
        BadInputError: There are fewer than two images, or they give the same output.
    """
    still = function(images)
    unit = np.linalg.norm(still - np.roll(still, 1, axis=0))
    if not unit:
        raise BadInputError(f"images {len(images)}: expected two or more with different outputs")
    errors = []
    for shift in shifts:
        moved = function(np.roll(images, shift, axis=1))
        if stride is None:
            expected = [still]
        else:
            expected = [np.roll(still, steps, axis=1) for steps in {shift // stride, -(-shift // stride)}]
        errors.append(min(float(np.linalg.norm(moved - output)) for output in expected))
    return np.array(errors) / unit


def maps_of(model: keras.Model, layer: str) -> Callable[[Floats], Floats]:
    """Return the function from images to the output of one named layer of a model, in inference."""
    part = keras.Model(model.input, model.get_layer(layer).output)
    return lambda images: keras.ops.convert_to_numpy(part(images, training=False))
