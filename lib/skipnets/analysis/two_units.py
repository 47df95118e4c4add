"""Two hidden units that learn from two: the smallest net with plateaus, from a cost in closed form.

The model of Wei et al. (2008) as in chapter 12 of Amari (2016): a student f(x) = v1 phi(w1 x) + v2 phi(w2 x) with
phi(t) = erf(t / sqrt 2) follows the gradient flow of half its mean squared difference to a teacher of the same form,
over standard normal x. Since E phi(a x) phi(b x) is an arcsine, cost, gradient and Hessian need no samples.

The coordinates are theirs too: u = w2 - w1, z = (v1 - v2) / (v1 + v2), s = (v1 w1 + v2 w2) / (v1 + v2), r = v1 + v2.
Where u = 0 only r matters, not z. With (s, r) the best single unit every z is then critical: the *singular line*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import erf

from skipnets.errors import require, require_positive

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Teacher:
    """The net to be learnt, v1 phi(w1 x) + v2 phi(w2 x)."""

    incoming: tuple[float, float]  # w1, w2
    outgoing: tuple[float, float]  # v1, v2


#: Length of a step of ``noisy_walks``, a fraction of one unit of time.
WALK_STEP = 0.04

#: The first makes the singular line stable where z lies beyond -1 or 1, the second between.
TEACHERS: dict[str, Teacher] = {
    "same sign": Teacher((0.4, 4.0), (10.0, 5.0)),
    "opposite signs": Teacher((0.3, 1.0), (10.0, -10.0)),
}


def correlation(a: Array, b: Array) -> Array:
    """E phi(a x) phi(b x) over standard normal x."""
    return 2 / np.pi * np.arcsin(a * b / np.sqrt((1 + a**2) * (1 + b**2)))


def correlation_by_first(a: Array, b: Array) -> Array:
    """First derivative of ``correlation`` by ``a``."""
    return 2 / np.pi * b / ((1 + a**2) * np.sqrt(1 + a**2 + b**2))


def correlation_by_both(a: Array, b: Array) -> Array:
    """Mixed second derivative of ``correlation``."""
    return 2 / np.pi * (1 + a**2 + b**2) ** -1.5


def correlation_by_first_twice(a: Array, b: Array) -> Array:
    """Second derivative of ``correlation`` by ``a``: E phi''(a x) x^2 phi(b x)."""
    q = 1 + a**2 + b**2
    return -2 / np.pi * a * b * (2 / ((1 + a**2) ** 2 * np.sqrt(q)) + 1 / ((1 + a**2) * q**1.5))


def cost(student: Array, teacher: Teacher) -> Array:
    """Half the mean squared difference of student and teacher.

    Args:
        student: w1, w2, v1, v2, of shape (..., 4); or one unit, w, v, of shape (..., 2).
        teacher: the net to be learnt.

    Returns:
        Costs of shape (...).
    """
    w, v = _beside(student, teacher)
    return np.einsum("...i,...ij,...j", v, correlation(w[..., :, None], w[..., None, :]), v) / 2


def gradient(student: Array, teacher: Teacher) -> Array:
    """Gradient of ``cost``, of the shape of ``student``."""
    units = student.shape[-1] // 2
    w, v = _beside(student, teacher)
    a, b = w[..., :units, None], w[..., None, :]
    by_incoming = (correlation_by_first(a, b) @ v[..., None])[..., 0]
    by_outgoing = (correlation(a, b) @ v[..., None])[..., 0]
    return np.concatenate([v[..., :units] * by_incoming, by_outgoing], axis=-1)


def hessian(student: Array, teacher: Teacher) -> Array:
    """Hessian (..., 4, 4) of ``cost`` at students (..., 4)."""
    w, v = _beside(student, teacher)
    a, b, c = w[..., :2, None], w[..., None, :], v[..., :2]
    first = correlation_by_first(a, b)
    found = np.empty((*student.shape, 4))
    found[..., 2:, 2:] = correlation(a, b)[..., :2]
    found[..., :2, 2:] = c[..., :, None] * first[..., :2]
    found[..., :2, :2] = c[..., :, None] * c[..., None, :] * correlation_by_both(a, b)[..., :2]
    for unit in range(2):
        found[..., unit, 2 + unit] += (first @ v[..., None])[..., unit, 0]
        found[..., unit, unit] += c[..., unit] * (correlation_by_first_twice(a, b) @ v[..., None])[..., unit, 0]
    found[..., 2:, :2] = np.swapaxes(found[..., :2, 2:], -1, -2)
    return found


@cache
def best_single_unit(teacher: Teacher) -> tuple[float, float]:
    """Return the incoming and outgoing weight, s and r, of the single unit of least cost."""
    found = minimize(cost, [1.0, 1.0], (teacher,), jac=gradient, tol=1e-14)
    return float(found.x[0]), float(found.x[1])


def plateau_cost(teacher: Teacher) -> float:
    """Return the cost of the best single unit, which is that of the whole singular line."""
    return float(cost(np.array(best_single_unit(teacher)), teacher))


def place(u: npt.ArrayLike, z: npt.ArrayLike, teacher: Teacher) -> Array:
    """Return students (..., 4) at ``u`` and ``z``, of one shape (...), with s and r those of the best single unit."""
    s, r = best_single_unit(teacher)
    u, z = np.broadcast_arrays(np.asarray(u, dtype=np.float64), np.asarray(z, dtype=np.float64))
    return np.stack([s - (1 - z) * u / 2, s + (1 + z) * u / 2, r * (1 + z) / 2, r * (1 - z) / 2], axis=-1)


def coordinates(student: Array) -> tuple[Array, Array]:
    """Return u and z (...) of students (..., 4)."""
    w1, w2, v1, v2 = np.moveaxis(student, -1, 0)
    return w2 - w1, (v1 - v2) / (v1 + v2)


def upright(student: Array) -> Array:
    """Return the same function with incoming weights that are not negative: phi is odd, so (w, v) acts as (-w, -v)."""
    signs = np.where(student[..., :2] < 0, -1.0, 1.0)
    return student * np.concatenate([signs, signs], axis=-1)


def distance_to_teacher(student: Array, teacher: Teacher) -> Array:
    """Return the distance (...) of students (..., 4) to the nearest weights that give the teacher's function.

    Eight do: the units in either order, each as (w, v) or as (-w, -v).
    """
    first = np.array([*teacher.incoming, *teacher.outgoing])
    signs = np.tile(list(product((1, -1), repeat=2)), 2)
    same = np.concatenate([signs * first, signs * first[[1, 0, 3, 2]]])
    found: Array = np.linalg.norm(student[..., None, :] - same, axis=-1).min(axis=-1)
    return found


def curvature(teacher: Teacher) -> float:
    """Return K of Wei et al.: a quarter of r times the mean of error times phi''(s x) x^2 at the best single unit."""
    s, r = (np.array(weight) for weight in best_single_unit(teacher))
    by_unit = correlation_by_first_twice(s, np.array([*teacher.incoming, s]))
    return float(r / 4 * by_unit @ np.array([*teacher.outgoing, -r]))


def reduced_rate(z: Array, teacher: Teacher) -> Array:
    """Rate at which u grows beside the singular line in the reduced flow of Wei et al., which holds s and r fixed."""
    return 2 * (1 - z**2) * curvature(teacher)


def escape_rate(z: Array, teacher: Teacher) -> Array:
    """Rate at which the whole flow leaves the singular line at ``z``, or comes back to it if negative.

    It is minus the lowest eigenvalue of the Hessian there, leaving out the 0 that belongs to the line's own direction.
    """
    values = np.linalg.eigvalsh(hessian(place(0, z, teacher), teacher))
    along = np.argmin(np.abs(values), axis=-1)[..., None]
    np.put_along_axis(values, along, np.inf, axis=-1)
    rate: Array = -values.min(axis=-1)
    return rate


def held(student: Array, teacher: Teacher) -> npt.NDArray[np.bool_]:
    """Whether students (..., 4) are at the stable half of the singular line, from which the flow does not come away."""
    u, z = coordinates(upright(student))
    at_cost = np.isclose(cost(student, teacher), plateau_cost(teacher), rtol=1e-3, atol=0)
    return (np.abs(u) < 0.01) & at_cost & ((1 - z**2) * curvature(teacher) < 0)


def random_starts(number: int, outgoing: float, seed: int) -> Array:
    """Draw students (number, 4) with normal weights, of standard deviation 1 incoming and ``outgoing`` outgoing.

    Raises:
        BadInputError: Less than one start, or a standard deviation that is not positive.
    """
    require(1, starts=number)
    require_positive(outgoing=outgoing)
    return np.random.default_rng(seed).normal(size=(number, 4)) * [1, 1, outgoing, outgoing]


def flow(starts: Array, teacher: Teacher, times: Array, tolerance: float = 1e-5) -> Array:
    """Follow the gradient flow from many starts at once, each with steps of its own.

    The method is the Rosenbrock pair of orders 2 and 3 of Shampine and Reichelt (1997), "The MATLAB ODE Suite", with
    the Hessian as Jacobian. A path that creeps along the singular line can so take long steps, though other directions
    are stiff.

    Args:
        starts: students at time 0, of shape (starts, 4).
        teacher: the net to be learnt.
        times: increasing and positive, of shape (times,).
        tolerance: greatest error of a step, for weights of the size of 1.

    Returns:
        Students of shape (starts, times, 4).
    """
    now, steps, passed = np.array(starts, dtype=np.float64), np.full(len(starts), 1e-3), np.zeros(len(starts))
    found = np.empty((len(starts), len(times), 4))
    for number, end in enumerate(times):
        while (who := np.flatnonzero(passed < end)).size:
            left = end - passed[who]
            step = np.minimum(steps[who], left)
            ahead, missed = _rosenbrock_step(now[who], step[:, None], teacher)
            error = missed / (tolerance * (1 + np.abs(now[who]).max(axis=1)))
            good = error <= 1
            now[who[good]] = ahead[good]
            passed[who[good]] = np.where(step == left, end, passed[who] + step)[good]
            tried = step * np.clip(0.8 * np.maximum(error, 1e-12) ** (-1 / 3), 0.2, 5.0)
            # a step cut short by the next of the times says nothing against a longer one
            steps[who] = np.where(good & (step == left), np.maximum(tried, steps[who]), tried)
        found[:, number] = now
    return found


def _rosenbrock_step(student: Array, step: Array, teacher: Teacher) -> tuple[Array, Array]:
    """One step of lengths (starts, 1) from students (starts, 4): where it leads, and the estimated error (starts,)."""
    implicit: Array = np.eye(4) + step[..., None] / (2 + math.sqrt(2)) * hessian(student, teacher)
    inverse = np.linalg.inv(implicit).astype(np.float64)
    before = -gradient(student, teacher)
    k1 = _times(inverse, before)
    halfway = -gradient(student + step / 2 * k1, teacher)
    k2 = _times(inverse, halfway - k1) + k1
    ahead = student + step * k2
    k3 = _times(inverse, -gradient(ahead, teacher) - (6 + math.sqrt(2)) * (k2 - halfway) - 2 * (k1 - before))
    return ahead, np.abs(step / 6 * (k1 - 2 * k2 + k3)).max(axis=1)


def _times(matrices: Array, vectors: Array) -> Array:
    """Matrices (n, 4, 4) times vectors (n, 4)."""
    return (matrices @ vectors[..., None])[..., 0]


def time_to_reach(level: float, times: Array, costs: Array) -> Array:
    """Return when each of the falling ``costs`` (starts, times) passes ``level``; infinite if it does not."""
    when = np.full(len(costs), np.inf)
    for number, falling in enumerate(costs):
        if falling[-1] <= level:
            when[number] = np.interp(-level, -falling, times)
    return when


def noisy_walks(starts: Array, teacher: Teacher, noise: float, times: int, seed: int) -> Array:
    """Gradient descent in steps of ``WALK_STEP`` with normal noise of standard deviation ``noise`` a unit of time.

    Args:
        starts: students at time 0, of shape (walks, 4).
        teacher: the net to be learnt.
        noise: standard deviation of each weight's noise after one unit of time; 0 for none.
        times: units of time to walk.
        seed: of the noise.

    Returns:
        Costs of shape (walks, times), after each unit of time.
    """
    rng = np.random.default_rng(seed)
    students, found = np.array(starts), np.empty((len(starts), times))
    for time in range(times):
        for _ in range(round(1 / WALK_STEP)):
            pushed = noise * math.sqrt(WALK_STEP) * rng.normal(size=students.shape)
            students += pushed - WALK_STEP * gradient(students, teacher)
        found[:, time] = cost(students, teacher)
    return found


def sampled_walks(starts: Array, teacher: Teacher, rate: float, batch: int, times: int, seed: int) -> Array:
    """Stochastic gradient descent: in every step the gradient is the mean over ``batch`` drawn inputs.

    Args:
        starts: students at time 0, of shape (walks, 4).
        teacher: the net to be learnt.
        rate: of learning, the length of a step; a fraction of one unit of time.
        batch: inputs a step, others for every walk.
        times: units of time to walk.
        seed: of the inputs.

    Returns:
        Students of shape (walks, times, 4), after each unit of time.
    """
    rng = np.random.default_rng(seed)
    students, found = np.array(starts), np.empty((len(starts), times, 4))
    for time in range(times):
        for _ in range(round(1 / rate)):
            students -= rate * sample_gradients(students, teacher, rng.normal(size=(len(starts), batch))).mean(axis=1)
        found[:, time] = students
    return found


def sample_gradients(student: Array, teacher: Teacher, x: Array) -> Array:
    """Gradients (..., samples, 4) of half the squared difference on inputs (..., samples) of students (..., 4)."""
    w, v = _beside(student, teacher)
    inputs = x[..., None]
    outputs = erf(w[..., None, :] * inputs / math.sqrt(2))
    difference = (outputs * v[..., None, :]).sum(axis=-1, keepdims=True)
    slopes = math.sqrt(2 / math.pi) * np.exp(-((student[..., None, :2] * inputs) ** 2) / 2)
    by_incoming = student[..., None, 2:] * slopes * inputs
    return difference * np.concatenate([by_incoming, outputs[..., :2]], axis=-1)


def _beside(student: Array, teacher: Teacher) -> tuple[Array, Array]:
    """Incoming and outgoing weights (..., units) of student minus teacher."""
    incoming, outgoing = np.split(student, 2, axis=-1)
    wide = (*student.shape[:-1], 2)
    return (
        np.concatenate([incoming, np.broadcast_to(teacher.incoming, wide)], axis=-1),
        np.concatenate([outgoing, -np.broadcast_to(teacher.outgoing, wide)], axis=-1),
    )
