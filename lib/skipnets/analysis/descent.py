"""Optimisers as plain update rules, and races between them on surfaces with a closed form.

A rule is made for one descent: it remembers. Called with a gradient it returns the change of the weights. Rates may be
arrays, so that descents with many rates run side by side: weights then have the shape (rates, dimensions).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skipnets.analysis.linear_nets import mode_energy

Array = npt.NDArray[np.float64]
Rate = float | Array
Rule = Callable[[Array], Array]


def gradient_descent(rate: Rate) -> Rule:
    """Against the gradient, ``rate`` times its length."""
    return lambda gradient: -rate * gradient


def momentum(rate: Rate, friction: float = 0.9) -> Rule:
    """Polyak's heavy ball as Keras has it: a velocity keeps the share ``friction`` of itself."""
    velocity: Array = np.zeros(())

    def step(gradient: Array) -> Array:
        nonlocal velocity
        velocity = friction * velocity - rate * gradient
        return velocity

    return step


def rmsprop(rate: Rate, rho: float = 0.9, epsilon: float = 1e-7, gain: float | None = None) -> Rule:
    """Divide by a running root mean square (Hinton, 2012, lecture 6e), as Keras does it.

    ``gain`` multiplies the new squared gradient; None is 1 - rho. Equation 3 of document 000 prints 1 + rho.
    """
    average: Array = np.zeros(())

    def step(gradient: Array) -> Array:
        nonlocal average
        average = rho * average + (1 - rho if gain is None else gain) * gradient**2
        return -rate * gradient / np.sqrt(average + epsilon)

    return step


def adam(rate: Rate, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7) -> Rule:
    """Running mean over running root mean square, both freed of their start at 0 (Kingma and Ba, 2015), as in Keras."""
    mean: Array = np.zeros(())
    average: Array = np.zeros(())
    time = 0

    def step(gradient: Array) -> Array:
        nonlocal mean, average, time
        time += 1
        mean = beta_1 * mean + (1 - beta_1) * gradient
        average = beta_2 * average + (1 - beta_2) * gradient**2
        correction = np.sqrt(1 - beta_2**time) / (1 - beta_1**time)
        return -rate * correction * mean / (np.sqrt(average) + epsilon)

    return step


def rprop(rate: Rate, grow: float = 1.2, shrink: float = 0.5) -> Rule:
    """Steps by the sign of the gradient alone (Riedmiller and Braun, 1993), without their limits on the length.

    A length grows while the sign stays and shrinks when it changes; that step is left out.
    """
    length: Array = np.asarray(rate, dtype=np.float64)
    before: Array = np.zeros(())

    def step(gradient: Array) -> Array:
        nonlocal length, before
        agreement = np.sign(gradient * before)
        length = length * np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
        before = np.where(agreement < 0, 0.0, gradient)
        return -np.sign(before) * length

    return step


RULES: dict[str, Callable[[Rate], Rule]] = {
    "gradient descent": gradient_descent,
    "momentum": momentum,
    "RMSprop": rmsprop,
    "Adam": adam,
}


@dataclass(frozen=True)
class Surface:
    """Something to descend: a function of weights (..., dimensions), its gradient, where to start, when it is done."""

    name: str
    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    start: tuple[float, ...]
    goal: float  # the value to be reached


def ravine(curvature: float) -> Surface:
    """A quadratic whose curvature is ``curvature`` along one axis and 1 along the other."""
    curvatures = np.array([1.0, curvature])
    return Surface(
        "ravine",
        value=lambda w: (curvatures * w**2).sum(axis=-1) / 2,
        gradient=lambda w: curvatures * w,
        start=(-2.0, 1.0),
        goal=1e-3,
    )


def rosenbrock() -> Surface:
    """Rosenbrock's bent valley (1960), from its usual start."""
    return Surface(
        "Rosenbrock's valley",
        value=lambda w: (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2,
        gradient=lambda w: np.stack(
            [
                -2 * (1 - w[..., 0]) - 400 * w[..., 0] * (w[..., 1] - w[..., 0] ** 2),
                200 * (w[..., 1] - w[..., 0] ** 2),
            ],
            axis=-1,
        ),
        start=(-1.2, 1.0),
        goal=1e-3,
    )


def mode(name: str, skip: float, strength: float = 3.0) -> Surface:
    """A mode of a two-layer linear net (``linear_nets.mode_energy``), from small weights.

    Without a skip they are beside its saddle.
    """
    skips = np.array([skip, skip])
    return Surface(
        name,
        value=lambda w: mode_energy(w, skips, strength),
        gradient=lambda w: -(strength - (w + skips).prod(axis=-1, keepdims=True)) * (w + skips)[..., ::-1],
        start=(0.02, -0.01),
        goal=1e-3,
    )


def descend(rule: Rule, surface: Surface, steps: int, descents: int = 1) -> Array:
    """Return the weights (steps + 1, descents, dimensions) of descents side by side."""
    weights = np.tile(np.array(surface.start), (descents, 1))
    path = [weights]
    with np.errstate(over="ignore", invalid="ignore"):  # with too large a rate a descent ends at infinity
        for _ in range(steps):
            weights = weights + rule(surface.gradient(weights))
            path.append(weights)
    return np.array(path)


def steps_to_goal(rule: Callable[[Rate], Rule], surface: Surface, rates: Array, steps: int) -> Array:
    """Return after how many of ``steps`` steps a rule is at the surface's goal and stays there, (rates,).

    Infinite for rates with which it does not. To touch the goal once is not enough: long steps do so by chance.
    """
    path = descend(rule(rates[:, np.newaxis]), surface, steps, len(rates))
    with np.errstate(over="ignore", invalid="ignore"):
        away = ~(surface.value(path) <= surface.goal)
    last = np.where(away.any(axis=0), steps - away[::-1].argmax(axis=0), -1)
    return np.where(last == steps, np.inf, last + 1.0)
