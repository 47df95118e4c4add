"""Linear nets: where a skip puts the saddle, how fast one mode learns, and how depth worsens the condition.

A linear net with aligned layers learns each singular value s of its task on its own (Saxe, McClelland, Ganguli 2013):
the energy of a mode is (s - prod_l (a_l + c_l))^2 / (2 tau), where a_l is what layer l has learnt. Orhan
(arXiv:1701.09175v1) puts the skips into the shift c: 0 in a plain net, 1 in a residual net, l in a hyper-residual net.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

Array = npt.NDArray[np.float64]
Kind = Literal["plain", "residual", "hyper-residual"]

KINDS: tuple[Kind, ...] = ("plain", "residual", "hyper-residual")


def shift(kind: Kind, layers: int) -> Array:
    """Return what the skips add to each layer's weight (layers,)."""
    if kind == "plain":
        return np.zeros(layers)
    return np.ones(layers) if kind == "residual" else np.arange(1.0, layers + 1)


def mode_energy(weights: Array, skips: Array, strength: float) -> Array:
    """Energy of one mode, at tau = 1.

    Args:
        weights: what each layer has learnt, of shape (..., layers).
        skips: what the skips add, of shape (layers,).
        strength: the singular value s to be learnt.

    Returns:
        Energies of shape (...).
    """
    energy: Array = (strength - np.prod(weights + skips, axis=-1)) ** 2 / 2
    return energy


def mode_gradient(weights: Array, skips: Array, strength: float) -> Array:
    """Gradient (layers,) of ``mode_energy`` at ``weights`` (layers,)."""
    total = weights + skips
    # not by division: a factor may be 0, and at the saddle all are
    others = np.array([np.prod(np.delete(total, layer)) for layer in range(len(total))])
    return -(strength - np.prod(total)) * others


def mode_hessian(weights: Array, skips: Array, strength: float) -> Array:
    """Hessian (layers, layers) of ``mode_energy`` at ``weights`` (layers,)."""
    total = weights + skips
    layers = len(total)
    others = np.array([np.prod(np.delete(total, layer)) for layer in range(layers)])
    hessian = np.outer(others, others)
    error = strength - np.prod(total)
    for i in range(layers):
        for j in range(layers):
            if i != j:
                hessian[i, j] -= error * np.prod(np.delete(total, [i, j]))
    return hessian


def saddle(skips: Array) -> Array:
    """Return the point (layers,) where every factor is 0: the skips move it, and nothing else about it."""
    return -skips


def learning_curve(start: Array, skips: Array, strength: float, times: Array) -> Array:
    """Follow the gradient flow of one mode.

    Args:
        start: weights at time 0, of shape (layers,).
        skips: what the skips add, of shape (layers,).
        strength: the singular value to be learnt.
        times: increasing and positive, of shape (times,), in units of tau.

    Returns:
        Weights of shape (times, layers).
    """
    # stiff: the factors of ten hyper-residual layers multiply to millions
    flow = solve_ivp(
        lambda _, weights: -mode_gradient(weights, skips, strength),
        (0.0, times[-1]),
        start,
        method="Radau",
        t_eval=times,
        jac=lambda _, weights: -mode_hessian(weights, skips, strength),
        rtol=1e-7,
        atol=1e-10,
    )
    weights: Array = flow.y.T
    return weights


@dataclass(frozen=True)
class ProductConditions:
    """Condition numbers of products of random matrices."""

    label: str
    depths: Array  # (depths,)
    log10: Array  # (seeds, depths) decimal logarithm of the condition number


def product_conditions(
    label: str, identity: float, branch: float, width: int, depth: int, seeds: list[int]
) -> ProductConditions:
    """Condition numbers of the product of ``identity * I + branch * W`` over 1 to ``depth`` layers.

    W has independent normal entries of variance 1 / width; a seed gives the same W to every net.

    Args:
        label: name of the net.
        identity: 0 for a plain net, 1 for one with skips.
        branch: scale of the layer beside the skip.
        width: nodes a layer.
        depth: most layers.
        seeds: one product each.

    Returns:
        One curve a seed.
    """
    curves = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        curves.append(
            log10_conditions(
                [
                    identity * np.eye(width) + branch * rng.normal(size=(width, width)) / np.sqrt(width)
                    for _ in range(depth)
                ]
            )
        )
    return ProductConditions(label, np.arange(1.0, depth + 1), np.array(curves))


def log10_conditions(layers: list[Array]) -> Array:
    """Return log10 of the condition number of the product of the first 1, 2, ... of ``layers``, each (width, width).

    The smallest singular value is the inverse of the largest of the inverse product. Taken from the product itself it
    would drown in rounding at a condition of 1e16.
    """
    product = inverse = np.eye(len(layers[0]))
    log, found = 0.0, []
    for layer in layers:
        product, inverse = layer @ product, inverse @ np.linalg.inv(layer)
        for_both = np.linalg.norm(product, 2), np.linalg.norm(inverse, 2)
        log += float(np.log10(for_both).sum())
        product, inverse = product / for_both[0], inverse / for_both[1]
        found.append(log)
    return np.array(found)


def log10_power_conditions(eigenvalues: Array, identity: float, branch: float, depths: Array) -> Array:
    """Return log10 of the condition number of ``(identity * I + branch * W) ** depth``, (depths,).

    W is symmetric without negative ``eigenvalues``, and the same in every layer, as in the proofs of Oyedotun et al.
    (2022), who write W = B B^T. The powers' singular values are then those of one layer to the power of the depth.

    Args:
        eigenvalues: of W, of shape (width,).
        identity: 0 for a plain net, 1 for one with skips.
        branch: scale of W.
        depths: numbers of layers, of shape (depths,).
    """
    of_layer = identity + branch * eigenvalues
    powers: Array = depths * np.log10(of_layer.max() / of_layer.min())
    return powers
