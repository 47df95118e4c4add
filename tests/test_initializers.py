"""Initial kernels for deep ReLU nets: where they are orthogonal, what they pass on unchanged, what they refuse."""

import keras
import numpy as np
import pytest

from skipnets.architectures import build
from skipnets.architectures.initializers import DeltaOrthogonal, LooksLinear
from skipnets.errors import BadInputError
from skipnets.specs import DeepNet

DEPTH = 50


def plain_net(initializer: str, width: int = 8) -> keras.Model:
    """A deep net without batch normalization, always from the same seed."""
    keras.utils.set_random_seed(0)
    return build(
        DeepNet(kind="plain_net", depth=DEPTH, width=width, batch_norm=False), (8, 8, 3), initializer=initializer
    )


def scales(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Root mean square of every convolution's outputs."""
    names = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in names])(images)
    return np.array([np.sqrt(np.mean(np.asarray(maps) ** 2)) for maps in outputs])


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (3, 3, 6, 4), (1, 1, 5, 5), (7, 3)])
def test_delta_orthogonal_is_orthogonal_at_the_centre_and_zero_elsewhere(shape: tuple[int, ...]) -> None:
    kernel = np.asarray(DeltaOrthogonal(seed=1)(shape))
    assert kernel.shape == shape
    centre = kernel[tuple(size // 2 for size in shape[:-2])]
    np.testing.assert_allclose(np.linalg.svd(centre, compute_uv=False), np.sqrt(2), rtol=1e-5)
    assert np.count_nonzero(kernel) == np.count_nonzero(centre)


def test_a_looks_linear_net_is_linear_up_to_its_last_layer(images: np.ndarray) -> None:
    model = plain_net("looks_linear")
    first, second = images[:3], images[3:]
    both, mixed = np.asarray(model(images)), np.asarray(model(2 * first - 0.7 * second))
    np.testing.assert_allclose(mixed, 2 * both[:3] - 0.7 * both[3:], atol=1e-5)
    he = plain_net("he_normal")
    both, mixed = np.asarray(he(images)), np.asarray(he(2 * first - 0.7 * second))
    assert np.abs(mixed - (2 * both[:3] - 0.7 * both[3:])).max() > 0.1 * np.abs(mixed).max()


def test_a_looks_linear_net_keeps_the_length_of_what_it_is_given(images: np.ndarray) -> None:
    """Every channel stands there twice, with either sign."""
    model = plain_net("looks_linear")
    names = ["stem", *(f"stage1_unit{unit}_conv{number}" for unit in range(1, 9) for number in (1, 2))]
    for maps in keras.Model(model.input, [model.get_layer(name).output for name in names])(images):
        found = np.asarray(maps, np.float64)
        np.testing.assert_allclose(found[..., :4], -found[..., 4:], atol=1e-6)
        assert (found**2).sum() == pytest.approx(2 * (images.astype(np.float64) ** 2).sum(), rel=1e-4)


def test_delta_orthogonal_nets_neither_explode_nor_vanish(images: np.ndarray) -> None:
    delta, glorot = (scales(plain_net(name, width=32), images) for name in ("delta_orthogonal", "glorot_uniform"))
    assert 0.1 < delta[-1] / delta[0] < 10
    assert glorot[-1] / glorot[0] < 1e-3


def test_every_layer_draws_its_own_kernel_and_every_seed_another() -> None:
    first, again = plain_net("looks_linear"), plain_net("looks_linear")
    for one, other in zip(first.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    kernels = [first.get_layer(f"stage1_unit{unit}_conv1").get_weights()[0] for unit in (1, 2)]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1


def test_an_odd_number_of_channels_cannot_be_mirrored() -> None:
    with pytest.raises(BadInputError, match="'looks_linear': 5 channels have no second half"):
        LooksLinear(seed=0)((3, 3, 4, 5))
    with pytest.raises(BadInputError, match="'looks_linear': 3 channels"):
        build(DeepNet(kind="plain_net", depth=8, width=3), (8, 8, 3), initializer="looks_linear")


@pytest.mark.parametrize("channels", [2, 4])
def test_images_that_would_count_as_mirrored_are_refused(channels: int) -> None:
    net = DeepNet(kind="plain_net", depth=8, width=4)
    build(net, (8, 8, 1), initializer="looks_linear")
    with pytest.raises(BadInputError, match=f"'looks_linear': images of {channels} channels .* an odd number"):
        build(net, (8, 8, channels), initializer="looks_linear")


def test_a_net_with_them_is_rebuilt_from_its_configuration() -> None:
    model = plain_net("delta_orthogonal")
    again = keras.Model.from_config(model.get_config())
    assert isinstance(again.get_layer("stem").kernel_initializer, DeltaOrthogonal)
