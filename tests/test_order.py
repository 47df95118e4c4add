"""Data order and augmentation: true permutations, new in every epoch, and shifts against a loop over images."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skipnets.order import permutation, shift_flip, shifts_and_flips

seeds = st.integers(0, 2**32 - 1)
epochs = st.integers(0, 1000)


@given(seeds, epochs, st.integers(1, 300))
def test_an_epoch_visits_every_image_once(seed: int, epoch: int, images: int) -> None:
    assert sorted(permutation(seed, epoch, images)) == list(range(images))


@given(seeds, epochs)
def test_the_order_repeats_for_the_same_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    order = permutation(seed, epoch, 100).tolist()
    assert permutation(seed, epoch, 100).tolist() == order
    assert permutation(seed, epoch + 1, 100).tolist() != order
    assert permutation((seed + 1) % 2**32, epoch, 100).tolist() != order
    assert permutation(epoch, seed, 100).tolist() != order or seed == epoch


def test_every_image_comes_first_equally_often() -> None:
    firsts = np.bincount([permutation(0, epoch, 10)[0] for epoch in range(2000)], minlength=10)
    chi_squared = ((firsts - 200) ** 2 / 200).sum()
    assert chi_squared < 27.9  # 99.9 % point for 9 degrees of freedom


def test_shifts_cover_all_81_places_and_half_the_images_are_flipped() -> None:
    corners, flips = shifts_and_flips(seed=1, epoch=0, images=8100)
    counts = np.bincount(corners[:, 0] * 9 + corners[:, 1], minlength=81)
    assert len(counts) == 81
    assert ((counts - 100) ** 2 / 100).sum() < 124.8  # 99.9 % point for 80 degrees of freedom
    assert abs(flips.mean() - 0.5) < 3.3 * 0.5 / np.sqrt(8100)


@given(seeds, epochs)
def test_shifts_repeat_for_the_same_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    corners, flips = shifts_and_flips(seed, epoch, 50)
    again, flips_again = shifts_and_flips(seed, epoch, 50)
    assert (corners == again).all()
    assert (flips == flips_again).all()
    assert (shifts_and_flips(seed, epoch + 1, 50)[0] != corners).any()


images_with_shifts = st.tuples(
    st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3])
).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(np.uint8, shape),
        hnp.arrays(np.int32, (shape[0], 2), elements=st.integers(0, 8)),
        hnp.arrays(np.bool_, shape[0]),
    )
)


@given(images_with_shifts)
def test_shift_flip_equals_a_loop_over_images_and_pixels(drawn: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    images, corners, flips = drawn
    n, height, width, _ = images.shape
    expected = np.zeros_like(images)
    for image in range(n):
        for row in range(height):
            for column in range(width):
                from_row = row + corners[image, 0] - 4
                from_column = (width - 1 - column if flips[image] else column) + corners[image, 1] - 4
                if 0 <= from_row < height and 0 <= from_column < width:
                    expected[image, row, column] = images[image, from_row, from_column]
    assert (shift_flip(images, corners, flips) == expected).all()


def test_the_centre_without_a_flip_is_the_image_itself() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    assert (shift_flip(images, np.full((3, 2), 4, np.int32), np.zeros(3, bool)) == images).all()
