"""Condition numbers of kernels and hidden representations, so that "infinite" says what it comes from.

A condition number is the largest singular value over the smallest (Oyedotun et al., Eq. 11). It is infinite where a
whole channel is dead, and it is lost where the smallest singular value is less than what rounding the entries can
make. The two look alike in a plot: here dead channels are counted and left out first, and the rest is compared
with the rounding of the entries' own precision. Singular values are always computed in float64.

The paper takes those of tensors from the higher-order SVD, which unfolds them, and does not say along which side. Here:

* a kernel (..., in, out): its output channels against positions and input channels;
* a hidden representation by ``"channels"``: the channels against images x positions;
* a hidden representation by ``"images"``: the images against positions x channels, the matrix of the paper's Def. 2.

Rows may come in blocks. Of a matrix that is taller than wide only a triangle with the same singular values is kept:
unlike the product of the matrix with its transpose, it does not square the condition number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

from skipnets.analysis.signal import outputs_of, unchanged
from skipnets.errors import BadInputError

Array = npt.NDArray[np.float64]
Side = Literal["channels", "images"]


@dataclass(frozen=True)
class Conditioning:
    """Singular values of a matrix of m rows and n columns, those of dead columns apart.

    They are nan where an entry is not finite.
    """

    shape: tuple[int, int]  # (m, n)
    singular: Array  # (min(m, n - dead),) of the other columns, falling
    dead: int  # columns that are 0 in every row
    constant: int  # columns that are one number in every row, the dead ones among them
    rounding: float  # relative precision of the entries: 1.2e-7 for float32, 2.2e-16 for float64

    @property
    def largest(self) -> float:
        """Largest singular value; 0 where all columns are dead."""
        return float(self.singular[0]) if self.singular.size else 0.0

    @property
    def smallest(self) -> float:
        """Smallest of all min(m, n) singular values, exactly 0 where dead columns leave fewer than so many."""
        return self.smallest_live if self.singular.size == min(self.shape) else 0.0

    @property
    def smallest_live(self) -> float:
        """Smallest singular value without the dead columns; 0 where all are dead."""
        return float(self.singular[-1]) if self.singular.size else 0.0

    @property
    def threshold(self) -> float:
        """What singular values have to exceed to be told from 0.

        Rounding each entry changes none by more than the rounding times the Frobenius norm, which is at most sqrt(n)
        times the largest. NumPy's factor n for the triangle leaves room for the rounding of the computation itself.
        """
        return self.rounding * min(self.shape) * self.largest

    @property
    def rank(self) -> int:
        """Number of singular values above the threshold."""
        return int((self.singular > self.threshold).sum())

    @property
    def lost(self) -> bool:
        """Whether ``smallest_live`` is not above the threshold, so that live columns may depend on each other."""
        return self.rank < self.singular.size

    @property
    def condition(self) -> float:
        """Condition number, infinite where the smallest singular value is exactly 0."""
        return _ratio(self.largest, self.smallest)

    @property
    def condition_live(self) -> float:
        """Condition number without the dead columns; infinite where all are dead."""
        return _ratio(self.largest, self.smallest_live)

    @property
    def effective_rank(self) -> float:
        """Exponential of the entropy of the squared singular values' shares (Roy and Vetterli, 2007).

        They take the shares of the singular values themselves; squared, they are shares of the variance. 0 where all
        columns are dead.
        """
        if not self.largest:
            return 0.0
        share = (self.singular / self.largest) ** 2
        share /= share.sum()
        return float(np.exp(-np.sum(share * np.log(share, out=np.zeros_like(share), where=share > 0))))


def condition(blocks: Iterable[npt.NDArray[Any]]) -> Conditioning:
    """Find the singular values of a matrix that comes in blocks of rows.

    Args:
        blocks: (rows, n) each, float32 or float64, all of one precision and width. No more is kept of them than n rows,
            or than there are.

    Raises:
        BadInputError: A block is not such a matrix, or there is no row.
    """
    stack = _Stack()
    for block in blocks:
        stack.add(block)
    return stack.finish()


def measure_kernel(layer: keras.layers.Layer) -> Conditioning:
    """Measure a layer's kernel (..., in, out) as a matrix of rows (positions x in) and columns (out).

    Channels of different groups of a grouped convolution share no input: its matrix is block-diagonal.

    Raises:
        BadInputError: The layer has no kernel.
    """
    if not hasattr(layer, "kernel"):
        raise BadInputError(f"layer {layer.name!r}: a {type(layer).__name__} has no kernel")
    kernel = layer.kernel.numpy()
    groups = np.split(kernel.reshape(-1, kernel.shape[-1]), getattr(layer, "groups", 1), axis=1)
    return condition([block_diag(*groups)])


def measure_representations(
    model: keras.Model,
    images: npt.NDArray[Any],
    layers: Sequence[str],
    side: Side = "channels",
    training: bool = False,
    batch_size: int = 32,
) -> tuple[Conditioning, ...]:
    """Measure the outputs of ``layers`` over all images, in the precision that the model computes in.

    By ``"channels"``, a layer's columns are its channels (last axis), its rows every position of every image; one pass
    over the images does all layers. By ``"images"``, columns are positions x channels, rows are images; a pass a layer,
    and all outputs of that layer are held. Beside them stand the outputs of every layer on one batch: 1.7 GB for a
    PlainNet of 164 layers and 32 images of 32 x 32 pixels.

    Args:
        model: A functional model.
        images: (N, ...) inputs of the model.
        layers: Names of layers.
        side: ``"channels"`` or ``"images"``.
        training: Whether batch normalization and dropout do as in training, each batch on its own. The model is left
            as it was.
        batch_size: Images a pass.

    Returns:
        One result a layer, in the order of ``layers``.

    Raises:
        BadInputError: Another side, no image, no such layer, no layer at all.
    """
    if side not in ("channels", "images"):
        raise BadInputError(f"side {side!r}: expected 'channels' or 'images'")
    if not len(images):
        raise BadInputError(f"images {images.shape}: expected at least one")
    outputs = outputs_of(model, layers)
    found: list[Conditioning] = []
    for group in [outputs] if side == "channels" else [[output] for output in outputs]:
        probe, stacks = keras.Model(model.input, group), [_Stack() for _ in group]
        with unchanged(model):
            for first in range(0, len(images), batch_size):
                # A model of a single output gives it bare, a model of several a list.
                maps_of = keras.tree.flatten(probe(images[first : first + batch_size], training=training))
                for stack, tensor in zip(stacks, maps_of, strict=True):
                    maps = keras.ops.convert_to_numpy(tensor)
                    stack.add(maps.reshape(-1, maps.shape[-1]) if side == "channels" else maps.reshape(len(maps), -1))
        found += [stack.finish() for stack in stacks]
    return tuple(found)


def in_double_precision(model: keras.Model) -> keras.Model:
    """Return a copy of a functional model, weights too, that computes in float64.

    What its outputs differ by from the model's own is the rounding of a whole pass, not of the last entries alone.
    """

    def double(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | {"dtype": "float64"})

    twin = keras.models.clone_model(model, clone_function=double)
    twin.set_weights(model.get_weights())
    return twin


class _Stack:
    """Rows so far, as a matrix with the same singular values and no more rows than columns or rows added."""

    def __init__(self) -> None:
        self.kept: list[Array] = []
        self.rows = 0
        self.finite = True

    def add(self, block: npt.NDArray[Any]) -> None:
        if block.ndim != 2 or not block.size or block.dtype not in (np.float32, np.float64):
            raise BadInputError(
                f"matrix {block.shape} of {block.dtype}: expected rows and columns, at least one of each, "
                "of float32 or float64"
            )
        if not self.rows:
            self.first, self.dtype = block[0].copy(), block.dtype
            self.constant = np.ones(block.shape[1], dtype=bool)
        elif (block.shape[1], block.dtype) != (len(self.first), self.dtype):
            raise BadInputError(
                f"matrix {block.shape} of {block.dtype}: expected {len(self.first)} columns of {self.dtype}, as before"
            )
        self.rows += len(block)
        self.constant &= (block == self.first).all(axis=0)
        self.finite = self.finite and bool(np.isfinite(block).all())
        if not self.finite:
            return
        self.kept.append(block.astype(np.float64))
        if sum(map(len, self.kept)) > block.shape[1]:
            self.kept = [np.asarray(np.linalg.qr(np.concatenate(self.kept), mode="r"))]

    def finish(self) -> Conditioning:
        if not self.rows:
            raise BadInputError("matrix: expected at least one row")
        dead = self.constant & (self.first == 0)
        singular = np.full(min(self.rows, int((~dead).sum())), np.nan)
        if self.finite:
            singular = np.linalg.svd(np.concatenate(self.kept)[:, ~dead], compute_uv=False)
        return Conditioning(
            shape=(self.rows, len(self.first)),
            singular=singular,
            dead=int(dead.sum()),
            constant=int(self.constant.sum()),
            rounding=float(np.finfo(self.dtype).eps),
        )


def _ratio(largest: float, smallest: float) -> float:
    return largest / smallest if smallest else float("inf")
