"""Lanczos, densities, traces and ranks against NumPy's dense eigenvalues."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skipnets.analysis.lanczos import eigenpairs, tridiagonalize
from skipnets.analysis.spectrum import SpectralDensity, rank, spectral_density, trace
from skipnets.errors import BadInputError

#: Whole numbers repeat, and zeros make the rank low.
spectra = st.lists(
    st.integers(-3, 3).map(float) | st.integers(-10000, 10000).map(lambda n: n / 100), min_size=1, max_size=12
)
scales = st.sampled_from([1e-12, 1.0, 1e12])


def matrix_of(spectrum: Any, seed: int = 0) -> Any:
    """A symmetric matrix with these eigenvalues and random eigenvectors."""
    values = np.asarray(spectrum, dtype=float)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(values.size, values.size)))
    matrix = (basis * values) @ basis.T
    return (matrix + matrix.T) / 2


@given(spectra, scales, st.integers(0, 5))
def test_as_many_steps_as_rows_find_every_eigenvalue(spectrum: list[float], scale: float, seed: int) -> None:
    values = scale * np.sort(spectrum)
    size, matrix = values.size, matrix_of(values, seed)
    largest = float(np.abs(values).max())
    for end, expected in (("largest", values[::-1]), ("smallest", values)):
        found = eigenpairs(matrix, size, end=end, steps=size, seed=seed)
        assert found.values == pytest.approx(expected, abs=1e-9 * largest)
        assert found.vectors.T @ found.vectors == pytest.approx(np.eye(size), abs=1e-9)
        assert found.residuals == pytest.approx(0, abs=1e-9 * largest)
        assert found.converged.all()
    sizes = eigenpairs(matrix, size, end="magnitude", steps=size, seed=seed).values
    assert np.abs(sizes) == pytest.approx(np.sort(np.abs(values))[::-1], abs=1e-9 * largest)


@given(spectra, scales, st.integers(0, 5))
def test_a_lanczos_basis_is_orthonormal_and_tridiagonalises(spectrum: list[float], scale: float, seed: int) -> None:
    matrix = scale * matrix_of(spectrum, seed)
    start = np.random.default_rng(seed).normal(size=len(spectrum))
    for restart in (None, np.random.default_rng(1)):
        found = tridiagonalize(matrix, start, len(spectrum), restart)
        steps = len(found.diagonal)
        assert found.basis @ found.basis.T == pytest.approx(np.eye(steps), abs=1e-12)
        t = np.diag(found.diagonal) + np.diag(found.off_diagonal, 1) + np.diag(found.off_diagonal, -1)
        assert found.basis @ matrix @ found.basis.T == pytest.approx(t, abs=1e-10 * np.abs(matrix).max())


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_operators_of_low_rank_end_early_and_are_exact(scale: float) -> None:
    v = np.random.default_rng(0).normal(size=50)
    v *= math.sqrt(scale) / np.linalg.norm(v)
    for matrix, steps in ((scale * np.eye(50), 1), (np.outer(v, v), 2), (np.zeros((50, 50)), 1)):
        found = tridiagonalize(matrix, np.ones(50), 20)
        assert (len(found.diagonal), found.last) == (steps, 0)
        density = spectral_density(matrix, probes=3, steps=20)
        assert {len(nodes) for nodes in density.nodes} == {steps}
    assert eigenpairs(np.eye(50), 3, steps=10).values == pytest.approx(1)
    assert eigenpairs(np.outer(v, v), 1, steps=10).values == pytest.approx(scale, rel=1e-6, abs=0)


def test_the_top_of_a_large_spectrum_is_found_once_in_few_steps() -> None:
    """Two well separated values over a bulk; without orthogonalisation each would come back many times."""
    spectrum = np.concatenate([np.random.default_rng(0).uniform(-1, 1, 298), [40, 50]])
    found = eigenpairs(matrix_of(spectrum), 3, steps=60)
    assert found.values[:2] == pytest.approx([50, 40])
    assert found.values[2] < 1.01
    assert found.converged[:2].all()
    assert found.steps == 60


def test_residuals_bound_the_error_and_tell_what_has_not_converged() -> None:
    spectrum = np.linspace(0, 1, 200)
    found = eigenpairs(matrix_of(spectrum), 5, steps=12)
    assert not found.converged.all()
    for value, residual in zip(found.values, found.residuals, strict=True):
        assert np.abs(spectrum - value).min() <= residual + 1e-12


class Rounded:
    """A matrix whose products are those of float32, as a network's are."""

    def __init__(self, matrix: Any):
        self.matrix = matrix.astype(np.float32)
        self.shape = matrix.shape

    def __matmul__(self, vector: Any) -> Any:
        return self.matrix @ vector.astype(np.float32)


def test_products_of_float32_give_no_ghosts() -> None:
    spectrum = np.concatenate([np.zeros(290), np.geomspace(1e-3, 1, 10)])
    found = eigenpairs(Rounded(matrix_of(spectrum)), 5, steps=60)
    assert found.values == pytest.approx(np.geomspace(1, 1e-3, 10)[:5], rel=1e-4)


def test_a_seed_repeats_and_another_differs() -> None:
    matrix = matrix_of(np.linspace(-1, 1, 30))
    first, again, other = (spectral_density(matrix, 2, 5, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.nodes, again.nodes)
    assert not np.array_equal(first.nodes, other.nodes)
    assert not np.array_equal(first.nodes[1], other.nodes[0]), "neighbouring seeds share no probe"
    assert trace(matrix, 3) == trace(matrix, 3) != trace(matrix, 3, seed=1)


@pytest.mark.parametrize("distribution", ["rademacher", "gaussian"])
def test_trace_shares_and_mean_are_within_their_errors(distribution: Any) -> None:
    values = np.concatenate([np.full(60, -2.0), np.full(100, 1e-5), np.full(39, 3.0), [10.0]])
    matrix = matrix_of(values)
    density = spectral_density(matrix, 30, 20, distribution=distribution)
    assert density.largest == pytest.approx(10)
    expected = {
        density.share_below(0.01): 0.3,
        density.share_within(0.01): 0.5,
        density.mean(): values.mean(),
        trace(matrix, 30, distribution=distribution): values.sum(),
    }
    for estimate, truth in expected.items():
        assert estimate.probes == 30
        assert estimate.error > 0
        assert abs(estimate.value - truth) < 4 * estimate.error


def test_the_error_is_the_spread_of_the_estimate() -> None:
    """Over 200 seeds the estimates scatter as the mean error says they do."""
    matrix = matrix_of(np.linspace(0, 1, 40) ** 3)
    found = [trace(matrix, 10, seed=seed) for seed in range(200)]
    assert np.std([e.value for e in found]) == pytest.approx(np.mean([e.error for e in found]), rel=0.15)


def test_one_probe_has_no_error() -> None:
    assert math.isnan(trace(np.eye(3), 1).error)


@given(spectra.filter(any), st.integers(0, 5))
def test_every_probe_has_the_weights_of_a_quadrature(spectrum: list[float], seed: int) -> None:
    matrix = matrix_of(spectrum, seed)
    density = spectral_density(matrix, 2, seed=seed)
    for nodes, weights in zip(density.nodes, density.weights, strict=True):
        assert weights.sum() == pytest.approx(1)
        assert np.abs(nodes).max() <= np.abs(spectrum).max() * (1 + 1e-9)
    assert 0 <= density.share_below(1e-3).value <= 1 + 1e-12


def test_a_smooth_density_is_a_density() -> None:
    density = spectral_density(matrix_of(np.linspace(-1, 1, 50)), 4, 30)
    grid = np.linspace(-3, 3, 2001)
    curve, error = density.smooth(grid, 0.1)
    assert np.trapezoid(curve, grid) == pytest.approx(1, abs=1e-6)
    assert (error[900:1100] > 0).all()


@given(st.lists(st.sampled_from([-5.0, -1.0, 0.0, 1e-9, 2.0]), min_size=1, max_size=12), scales)
def test_rank_and_nullity_state_their_tolerance(spectrum: list[float], scale: float) -> None:
    values = scale * np.array(spectrum)
    found = rank(matrix_of(values), 1e-6)
    zeros = int((np.abs(values) <= 1e-6 * np.abs(values).max()).sum())
    assert (found.nullity, found.rank, found.tolerance) == (zeros, len(spectrum) - zeros, 1e-6)


def test_the_default_tolerance_is_that_of_rounding() -> None:
    found = rank(matrix_of([1e-9, 0, 1, 2]))
    assert (found.rank, found.nullity) == (3, 1)
    assert rank(np.zeros((3, 3))).nullity == 3


def test_progress_counts_products_and_time_runs_out_early() -> None:
    seen: list[tuple[int, int]] = []
    matrix = matrix_of(np.linspace(-1, 1, 30))
    spectral_density(matrix, 2, 5, progress=lambda done, planned: seen.append((done, planned)))
    assert seen == [(n, 10) for n in range(1, 11)]
    seen.clear()
    eigenpairs(matrix, 2, steps=6, progress=lambda done, planned: seen.append((done, planned)))
    assert seen == [(n, 8) for n in range(1, 9)]
    assert len(spectral_density(matrix, 5, 5, seconds=1e-9).nodes) == 1
    assert trace(matrix, 5, seconds=1e-9).probes == 1
    hurried = eigenpairs(matrix, 2, steps=20, seconds=1e-9)
    assert (hurried.steps, len(hurried.values)) == (2, 2)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (lambda: trace(np.ones((2, 3))), r"operator of shape \(2, 3\)"),
        (lambda: trace(np.eye(2), probes=0), "probes 0: expected a number above 0"),
        (lambda: trace(np.eye(2), distribution="cauchy"), "distribution 'cauchy': expected rademacher or gaussian"),
        (lambda: spectral_density(np.eye(2), steps=0), "steps 0"),
        (lambda: spectral_density(np.eye(2), seconds=-1), "seconds -1"),
        (lambda: eigenpairs(np.eye(2), 3), r"count 3: expected at most the steps \(80\) and the size \(2\)"),
        (lambda: eigenpairs(np.eye(2), 1, end="top"), "end 'top': expected one of largest, smallest, magnitude"),
        (lambda: tridiagonalize(np.eye(2), np.zeros(2), 1), "start .* not zero"),
        (lambda: SpectralDensity(1, (np.ones(1),), (np.ones(1),)).share_below(0), "threshold 0"),
        (lambda: SpectralDensity(1, (np.ones(1),), (np.ones(1),)).smooth([0], 0), "width 0"),
        (lambda: rank([[1, 2], [0, 1]]), "symmetric"),
        (lambda: rank([[np.nan]]), "finite"),
        (lambda: rank(np.eye(2), -1), "tolerance -1"),
    ],
)
def test_what_is_not_allowed_is_named(work: Callable[[], object], says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        work()
