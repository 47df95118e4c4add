"""The networks: what every builder owes, then each document's net against what the document prints."""

import math
import re
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from skipnets.architectures import build
from skipnets.architectures.blocks import BatchNormalization, GroupedConv2D
from skipnets.architectures.summary import LayerRow, layer_rows
from skipnets.errors import BadInputError
from skipnets.experiments import concat_vs_sum
from skipnets.specs import CNN, DeepNet, JoinNet, Part, ResNet

# Neither square nor in colour: an axis taken for another shows.
IMAGE_SHAPE, CLASSES = (16, 20, 2), 7

CASES: dict[str, Part] = {
    "cnn": CNN(),
    "resnet": ResNet(),
    "resnet_no_skips": ResNet(skips=False, dropout=0),
    "join_none": JoinNet(depth=6, kernels=3),
    "join_concatenate": JoinNet(depth=6, kernels=3, join="concatenate"),
    "join_sum": JoinNet(depth=6, kernels=3, join="sum"),
    "join_controls": JoinNet(
        stages=4, depth=4, kernels=3, join="concatenate", normalization="convolutions", bottleneck=True, dense_units=20
    ),
    "plain_net": DeepNet(kind="plain_net", depth=8, width=4),
    "residual_net": DeepNet(kind="residual_net", depth=14, width=4, batch_norm=False, branch_scale=0.5),
    "resnext": DeepNet(kind="resnext", depth=11, width=4),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Part:
    return CASES[request.param]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((8, *IMAGE_SHAPE), dtype=np.float32)


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images, training=False))


def by_name(model: keras.Model) -> dict[str, LayerRow]:
    return {row.name: row for row in layer_rows(model)}


def trainable(model: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_variables)


def test_outputs_are_one_finite_row_an_image(case: Part, images: np.ndarray) -> None:
    keras.utils.set_random_seed(0)  # of a net squeezed to 3 channels, one start in eleven is dead throughout
    model = build(case, IMAGE_SHAPE, CLASSES)
    assert model.output_shape == (None, CLASSES)
    found = outputs(model, images)
    assert found.shape == (8, CLASSES)
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=0).min() > 0, "an output does not depend on the image"


def test_a_model_comes_back_from_its_configuration(case: Part, images: np.ndarray) -> None:
    model = build(case, IMAGE_SHAPE, CLASSES)
    for again in (keras.models.model_from_json(model.to_json()), keras.Model.from_config(model.get_config())):
        assert layer_rows(again) == layer_rows(model)
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(outputs(again, images), outputs(model, images))


def test_layer_names_do_not_depend_on_what_was_built_before(case: Part) -> None:
    names = [row.name for row in layer_rows(build(case))]
    assert [row.name for row in layer_rows(build(case))] == names
    assert len(set(names)) == len(names)
    given = r"img|(stage|unit)\d_\w+|(stem|head|dense|dropout|output|flatten|bottleneck|global_pool|join)\w*"
    assert [name for name in names if not re.fullmatch(given, name)] == [], "Keras numbered a layer"


def test_the_gradient_reaches_every_weight(case: Part, images: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    model = build(case, IMAGE_SHAPE, CLASSES)
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(np.arange(8) % 7, model(images, training=True), True)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_weights_come_from_the_seed_alone(case: Part) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return build(case, IMAGE_SHAPE, CLASSES).get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_probabilities_are_the_softmax_of_the_logits(case: Part, images: np.ndarray) -> None:
    logits = build(case, IMAGE_SHAPE, CLASSES)
    probabilities = build(case, IMAGE_SHAPE, CLASSES, loss="probabilities")
    probabilities.set_weights(logits.get_weights())
    exponentials = np.exp(outputs(logits, images).astype(np.float64))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs(probabilities, images), expected, atol=1e-6)


@pytest.mark.parametrize("initializer", ["glorot_uniform", "he_normal", "orthogonal"])
@pytest.mark.parametrize("kind", ["cnn", "resnet", "join_sum", "resnext"])
def test_every_kernel_starts_as_the_initializer_says(kind: str, initializer: str) -> None:
    keras.utils.set_random_seed(0)
    model = build(CASES[kind], IMAGE_SHAPE, initializer=initializer)
    for weight in (weight for weight in model.trainable_variables if weight.name == "kernel"):
        kernel = np.asarray(weight)
        fan_in, fan_out = math.prod(kernel.shape[:-1]), math.prod(kernel.shape[:-2]) * kernel.shape[-1]
        if initializer == "orthogonal":
            flat = kernel.reshape(fan_in, -1)
            smaller = flat.T @ flat if flat.shape[0] > flat.shape[1] else flat @ flat.T
            np.testing.assert_allclose(smaller, np.eye(len(smaller)), atol=1e-5)
            continue
        variance = 2 / (fan_in + fan_out) if initializer == "glorot_uniform" else 2 / fan_in
        # A uniform ends at sqrt(3) standard deviations, a normal cut at two of its own at 2 / 0.8796 of what remains.
        ends_at = math.sqrt(3) if initializer == "glorot_uniform" else 2.274
        assert np.abs(kernel).max() <= ends_at * math.sqrt(variance) * 1.0001, weight.path
        assert kernel.std() == pytest.approx(math.sqrt(variance), rel=5 / math.sqrt(2 * kernel.size)), weight.path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "softmax"}, "loss 'softmax': expected one of logits, probabilities"),
        ({"initializer": "bogus"}, "initializer 'bogus': expected one of glorot_uniform, .*looks_linear"),
        ({"classes": 0}, "classes 0: expected at least 1"),
        ({"input_shape": (32, 32)}, r"image shape \(32, 32\): expected height, width and channels"),
        ({"input_shape": (32, 32, 0)}, r"image shape \(32, 32, 0\): expected .* each at least 1"),
    ],
)
def test_what_no_network_can_have_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        build(CNN(), **arguments)


@pytest.mark.parametrize("kind", ["cnn", "resnet", "join_sum"])
def test_images_that_are_too_small_are_bad_input(kind: str) -> None:
    with pytest.raises(BadInputError, match=r"image shape \(4, 4, 3\): too small for a"):
        build(CASES[kind], (4, 4, 3))


# --- document 000 ------------------------------------------------------------------------------------------------

FIGURE_4 = [
    ("Conv2D", (None, 32, 32, 32), 896),
    ("Conv2D", (None, 32, 32, 32), 9248),
    ("MaxPooling2D", (None, 16, 16, 32), 0),
    ("Conv2D", (None, 16, 16, 64), 18496),
    ("Conv2D", (None, 16, 16, 64), 36928),
    ("MaxPooling2D", (None, 8, 8, 64), 0),
    ("Conv2D", (None, 8, 8, 128), 73856),
    ("Conv2D", (None, 8, 8, 128), 147584),
    ("MaxPooling2D", (None, 4, 4, 128), 0),
    ("Flatten", (None, 2048), 0),
    ("Dense", (None, 64), 131136),
    ("Dense", (None, 10), 650),
    ("Dropout", (None, 10), 0),
]

FIGURE_6 = [
    ("img", "InputLayer", (None, 32, 32, 3), 0, []),
    ("conv2d", "Conv2D", (None, 30, 30, 32), 896, ["img"]),
    ("conv2d_1", "Conv2D", (None, 28, 28, 64), 18496, ["conv2d"]),
    ("max_pooling2d", "MaxPooling2D", (None, 9, 9, 64), 0, ["conv2d_1"]),
    ("conv2d_2", "Conv2D", (None, 9, 9, 64), 36928, ["max_pooling2d"]),
    ("conv2d_3", "Conv2D", (None, 9, 9, 64), 36928, ["conv2d_2"]),
    ("add", "Add", (None, 9, 9, 64), 0, ["conv2d_3", "max_pooling2d"]),
    ("conv2d_4", "Conv2D", (None, 9, 9, 64), 36928, ["add"]),
    ("conv2d_5", "Conv2D", (None, 9, 9, 64), 36928, ["conv2d_4"]),
    ("add_1", "Add", (None, 9, 9, 64), 0, ["conv2d_5", "add"]),
    ("conv2d_6", "Conv2D", (None, 7, 7, 64), 36928, ["add_1"]),
    ("global_average_pooling2d", "GlobalAveragePooling2D", (None, 64), 0, ["conv2d_6"]),
    ("dense", "Dense", (None, 256), 16640, ["global_average_pooling2d"]),
    ("dropout", "Dropout", (None, 256), 0, ["dense"]),
    ("dense_1", "Dense", (None, 10), 2570, ["dropout"]),
]


def test_the_cnn_is_figure_4_row_by_row() -> None:
    model = build(CNN())
    image, *rows = layer_rows(model)
    assert [(row.kind, row.shape, row.parameters) for row in rows] == FIGURE_4
    assert [row.inputs for row in rows] == [(before.name,) for before in [image, *rows[:-1]]]
    assert model.count_params() == trainable(model) == 418_794


def test_the_resnet_is_figure_6_row_by_row() -> None:
    model = build(ResNet())
    rows = layer_rows(model)
    name_here = {printed[0]: row.name for printed, row in zip(FIGURE_6, rows, strict=True)}
    assert rows == [
        LayerRow(name_here[name], kind, shape, parameters, tuple(name_here[before] for before in inputs))
        for name, kind, shape, parameters, inputs in FIGURE_6
    ]
    assert model.count_params() == trainable(model) == 223_242


def test_the_layers_after_figures_4_and_6_have_their_settings() -> None:
    cnn, resnet = build(CNN(output_dropout=0.25)), build(ResNet(dropout=0.4))
    assert cnn.get_layer("output_dropout").rate == 0.25
    assert resnet.get_layer("dropout").rate == 0.4
    for model in (cnn, resnet):
        activations = {layer.name: layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")}
        assert activations.pop("output") == "linear"
        assert set(activations.values()) == {"relu"}


def test_without_skips_nothing_differs_but_the_two_additions() -> None:
    with_skips, without = layer_rows(build(ResNet())), layer_rows(build(ResNet(skips=False)))
    branch_of = {row.name: row.inputs[0] for row in with_skips if row.kind == "Add"}
    assert len(branch_of) == 2
    assert without == [
        replace(row, inputs=tuple(branch_of.get(name, name) for name in row.inputs))
        for row in with_skips
        if row.name not in branch_of
    ]


def test_with_and_without_skips_start_from_the_same_weights() -> None:
    weights = []
    for skips in (True, False):
        keras.utils.set_random_seed(3)
        weights.append(build(ResNet(skips=skips)).get_weights())
    assert all((a == b).all() for a, b in zip(*weights, strict=True))


def test_the_controls_of_the_cnn_and_the_resnet_change_what_they_say() -> None:
    whole = build(CNN(output_dropout=0))
    two = build(CNN(output_dropout=0, stages=2))
    third_stage = (64 * 128 + 128 * 128) * 9 + 2 * 128
    assert whole.count_params() - two.count_params() == third_stage + (4 * 4 * 128 - 8 * 8 * 64) * 64
    averaged = build(CNN(output_dropout=0, head="average"))
    assert whole.count_params() - averaged.count_params() == (4 * 4 * 128 - 128) * 64
    flattened = build(ResNet(head="flatten"))
    assert flattened.count_params() - 223_242 == (7 * 7 * 64 - 64) * 256
    linear = build(CNN(output_dropout=0, activation="linear"))
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype("float32")
    pooled = [layer.name for layer in linear.layers if layer.name.endswith("pool")]
    assert len(pooled) == 3  # the poolings stay, so only what comes before the first of them is a linear map
    before = keras.Model(linear.input, linear.get_layer("stage1_conv2").output)
    both = before.predict_on_batch(images.sum(axis=0, keepdims=True))
    np.testing.assert_allclose(both[0], before.predict_on_batch(images).sum(axis=0), atol=1e-4)


@pytest.mark.parametrize(
    ("with_dropout", "without", "layer"),
    [(CNN(), CNN(output_dropout=0), "output_dropout"), (ResNet(), ResNet(dropout=0), "dropout")],
)
def test_a_dropout_of_zero_is_no_layer(with_dropout: Part, without: Part, layer: str) -> None:
    rows = by_name(build(with_dropout))
    before = rows.pop(layer).inputs
    expected = [replace(row, inputs=before) if row.inputs == (layer,) else row for row in rows.values()]
    assert layer_rows(build(without)) == expected


# --- document 003 ------------------------------------------------------------------------------------------------

joins = st.sampled_from(["none", "concatenate", "sum"])


@given(st.integers(1, 5), st.integers(1, 5), joins)
@settings(max_examples=10, deadline=None)
def test_a_join_nets_parameters_in_closed_form(third: int, kernels: int, join: Any) -> None:
    depth = 3 * third
    convolutions = (9 * 3 + 1) * kernels + (depth - 1) * (9 * kernels + 1) * kernels
    channels = kernels * (depth + 1 if join == "concatenate" else 1)
    head = (4 * 4 * channels + 1) * 2048 + (2048 + 1) * 1024 + (1024 + 1) * 10
    model = build(JoinNet(depth=depth, kernels=kernels, join=join))
    assert trainable(model) == convolutions + 3 * 2 * kernels + head
    assert model.count_params() == trainable(model) + 3 * 2 * kernels  # the moving mean and variance


@pytest.mark.parametrize("depth", [12, 69])
@pytest.mark.parametrize("join", ["none", "concatenate", "sum"])
def test_the_trunk_of_a_join_net_pools_and_normalizes_after_each_third(depth: int, join: Any) -> None:
    rows = by_name(build(JoinNet(depth=depth, kernels=2, join=join)))
    size, before = 32, "img"
    for stage in (1, 2, 3):
        for number in range(1, depth // 3 + 1):
            conv = rows[f"stage{stage}_conv{number}"]
            assert (conv.kind, conv.shape, conv.inputs) == ("Conv2D", (None, size, size, 2), (before,))
            before = conv.name
        size //= 2
        pool, norm = rows[f"stage{stage}_pool"], rows[f"stage{stage}_norm"]
        assert (pool.kind, pool.shape, pool.inputs) == ("MaxPooling2D", (None, size, size, 2), (before,))
        assert (norm.kind, norm.inputs) == ("BatchNormalization", (pool.name,))
        before = norm.name
    assert sum(row.kind == "Conv2D" for row in rows.values()) == depth


@pytest.mark.parametrize(("join", "kind", "channels"), [("concatenate", "Concatenate", 13 * 5), ("sum", "Add", 5)])
def test_a_join_takes_every_convolution_and_the_normalized_end(join: Any, kind: str, channels: int) -> None:
    rows = by_name(build(JoinNet(depth=12, kernels=5, join=join)))
    joined = rows["join"]
    assert (joined.kind, joined.shape) == (kind, (None, 4, 4, channels))
    *pools, end = (rows[name] for name in joined.inputs)
    assert end.name == "stage3_norm"
    assert {pool.kind for pool in pools} == {"MaxPooling2D"}
    assert {pool.shape for pool in pools} == {(None, 4, 4, 5)}
    convolutions = {name for name, row in rows.items() if row.kind == "Conv2D"}
    assert {name for pool in pools for name in pool.inputs} == convolutions
    assert len(pools) == len(convolutions) == 12
    assert rows["flatten"].inputs == ("join",)


@pytest.mark.parametrize("join", ["none", "concatenate", "sum"])
def test_the_head_of_a_join_net_is_the_documents(join: Any) -> None:
    model = build(JoinNet(depth=3, kernels=1, join=join))
    head = layer_rows(model)[-6:]
    assert [(row.kind, row.shape[1:]) for row in head] == [
        ("Flatten", (16 * (4 if join == "concatenate" else 1),)),
        ("Dense", (2048,)), ("Dropout", (2048,)), ("Dense", (1024,)), ("Dropout", (1024,)), ("Dense", (10,)),
    ]  # fmt: skip
    assert [model.get_layer(f"dropout{number}").rate for number in (1, 2)] == [0.5, 0.5]


def test_a_join_pools_to_the_largest_activation_of_each_field(images: np.ndarray) -> None:
    model = build(JoinNet(depth=3, kernels=2, join="sum"), IMAGE_SHAPE)
    wanted = ["stage1_conv1", "stage2_conv1", "stage3_conv1", "stage3_norm", "join"]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in wanted])
    *convolutions, end, joined = (np.asarray(output) for output in probe(images))
    expected = end
    for convolution, field in zip(convolutions, (8, 4, 2), strict=True):
        n, height, width, channels = convolution.shape
        rows, columns = height // field, width // field
        fields = convolution[:, : rows * field, : columns * field].reshape(n, rows, field, columns, field, channels)
        expected = expected + fields.max(axis=(2, 4))
    np.testing.assert_allclose(joined, expected, rtol=1e-5, atol=1e-6)


def test_the_controls_of_a_join_net_change_what_they_name() -> None:
    rows = by_name(build(JoinNet(stages=4, depth=8, kernels=3, join="sum", normalization="convolutions")))
    for stage in (1, 2, 3, 4):
        for number in (1, 2):
            name = f"stage{stage}_conv{number}"
            assert rows[f"{name}_norm"].inputs == (name,)
            assert rows[f"{name}_relu"].inputs == (f"{name}_norm",)
            assert rows[f"{name}_pool"].inputs == (f"{name}_relu",)
        assert rows[f"stage{stage}_pool"].inputs == (f"stage{stage}_conv2_relu",)
    assert rows["join"].shape == (None, 2, 2, 3)
    assert sum(row.kind == "BatchNormalization" for row in rows.values()) == 8

    squeezed = by_name(build(JoinNet(depth=6, kernels=3, join="concatenate", bottleneck=True, dense_units=20)))
    assert squeezed["bottleneck"].inputs == ("join",)
    assert squeezed["bottleneck"].parameters == (7 * 3 + 1) * 3
    assert squeezed["flatten"].inputs == ("bottleneck",)
    assert squeezed["dense1"].shape == (None, 20)


def test_the_wide_control_has_the_parameters_of_the_concatenation() -> None:
    cells = concat_vs_sum().select(["baseline_12_16_wide", "concatenation_12_16"]).cells
    wide, concatenation = (build(cell.spec.architecture).count_params() for cell in cells)
    assert abs(wide - concatenation) < 500


# --- document 004 ------------------------------------------------------------------------------------------------


def weighted_layers(model: keras.Model) -> int:
    return sum(row.kind in {"Conv2D", "GroupedConv2D", "Dense"} for row in layer_rows(model))


@pytest.mark.parametrize(("kind", "depths"), [("plain_net", (8, 20)), ("residual_net", (8, 14)), ("resnext", (11, 20))])
def test_a_deep_net_has_as_many_layers_as_it_says(kind: Any, depths: tuple[int, int]) -> None:
    for depth in depths:
        assert weighted_layers(build(DeepNet(kind=kind, depth=depth, width=2))) == depth


def two_convolutions_a_block(blocks: int) -> int:
    """Return the weights of a net with basic blocks, by hand, without batch normalization."""
    convolutions = [(3, 16)]
    for channels_in, channels in ((16, 16), (16, 32), (32, 64)):
        convolutions += [(channels_in, channels)] + (2 * blocks - 1) * [(channels, channels)]
    return sum(9 * before * after for before, after in convolutions) + 64 * 10 + 10


@pytest.mark.parametrize(("batch_norm", "expected"), [(True, 2_602_906), (False, 2_590_778)])
def test_parameters_of_the_164_layer_residual_net(batch_norm: bool, expected: int) -> None:
    model = build(DeepNet(kind="residual_net", batch_norm=batch_norm))
    norms = sum(2 * row.shape[-1] for row in layer_rows(model) if row.kind == "BatchNormalization")
    assert trainable(model) == expected
    assert expected - norms == two_convolutions_a_block(27)
    assert weighted_layers(model) == 164


@pytest.mark.parametrize("batch_norm", [True, False])
def test_a_plain_net_has_the_residual_nets_weights(batch_norm: bool) -> None:
    plain = build(DeepNet(kind="plain_net", depth=14, batch_norm=batch_norm))
    residual = build(DeepNet(kind="residual_net", depth=14, batch_norm=batch_norm))
    assert [weight.shape for weight in plain.weights] == [weight.shape for weight in residual.weights]
    assert not {row.kind for row in layer_rows(plain)} & {"Add", "ZeroPadding2D", "Rescaling"}
    assert all(len(row.inputs) == 1 for row in layer_rows(plain)[1:])


def test_the_164_layer_resnext_is_as_large_as_the_papers() -> None:
    model = build(DeepNet(kind="resnext"))
    assert trainable(model) == pytest.approx(2.5e6, rel=0.05)
    assert weighted_layers(model) == 164
    rows = by_name(model)
    assert rows["stage3_unit18_conv2"].kind == "GroupedConv2D"
    assert rows["stage3_unit18_conv2"].parameters == 3 * 3 * 32 * 128
    assert rows["stage3_unit18_add"].shape == (None, 8, 8, 256)


@pytest.mark.parametrize(("kind", "depth"), [("residual_net", 14), ("resnext", 20)])
def test_every_unit_adds_its_input_to_its_branch(kind: Any, depth: int) -> None:
    rows = by_name(build(DeepNet(kind=kind, depth=depth)))
    before = "stem_relu"
    for stage, unit in ((stage, unit) for stage in (1, 2, 3) for unit in (1, 2)):
        name = f"stage{stage}_unit{unit}"
        branch, shortcut = rows[f"{name}_add"].inputs
        assert branch == f"{name}_conv{2 if kind == 'residual_net' else 3}_norm"
        assert rows[f"{name}_conv1"].inputs == (before,)
        while shortcut != before:
            assert rows[shortcut].parameters == 0
            (shortcut,) = rows[shortcut].inputs
        before = f"{name}_relu"
    assert rows["global_pool"].inputs == (before,)


@pytest.mark.parametrize("size", [8, 7])
def test_the_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros(size: int) -> None:
    model = build(DeepNet(kind="residual_net", depth=8, width=4, batch_norm=False), (size, size, 3))
    model.get_layer("stage2_unit1_conv2").set_weights([np.zeros((3, 3, 8, 8))])
    unit = keras.Model(model.get_layer("stage1_unit1_relu").output, model.get_layer("stage2_unit1_add").output)
    x = np.random.default_rng(0).normal(size=(2, size, size, 4)).astype(np.float32)
    found = np.asarray(unit(x))
    np.testing.assert_array_equal(found[..., :4], x[:, ::2, ::2])
    assert (found[..., 4:] == 0).all()


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_the_branch_alone_is_scaled(scale: float, images: np.ndarray) -> None:
    model = build(DeepNet(kind="residual_net", depth=8, width=4, branch_scale=scale), IMAGE_SHAPE)
    wanted = ["stem_relu", "stage1_unit1_conv2_norm", "stage1_unit1_add"]
    probe = keras.Model(model.input, [model.get_layer(name).output for name in wanted])
    shortcut, branch, added = (np.asarray(output) for output in probe(images))
    np.testing.assert_allclose(added, shortcut + scale * branch, rtol=1e-5, atol=1e-6)
    assert ("stage1_unit1_scale" in by_name(model)) == (scale != 1)


@pytest.mark.parametrize(("training", "trainable"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize(
    ("dtype", "precision"), [("float32", {"rtol": 1e-4, "atol": 1e-5}), ("float64", {"rtol": 1e-12, "atol": 1e-12})]
)
def test_fused_batch_normalization_is_that_of_keras(
    dtype: str, precision: Any, training: bool, trainable: bool
) -> None:
    rng = np.random.default_rng(0)
    x = tf.constant(3 + rng.normal(size=(5, 4, 3, 6)) * np.geomspace(0.01, 1000, 6), dtype)
    towards = tf.constant(rng.normal(size=x.shape), dtype)
    found = []
    for kind in (BatchNormalization, keras.layers.BatchNormalization):
        layer = kind(dtype=dtype, trainable=trainable)
        layer.build(x.shape)
        layer.set_weights([rng.random(6) for rng in map(np.random.default_rng, range(4))])
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = layer(x, training=training)
            loss = tf.reduce_sum(outputs * towards)
        # The gradient to the images shrinks as they are larger, and is what is left of numbers that cancel.
        to_images, *to_weights = tape.gradient(loss, [x, *layer.trainable_variables])
        found.append([outputs, to_images * np.geomspace(0.01, 1000, 6), *to_weights, *layer.weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, **precision)


@pytest.mark.parametrize("as_dense", [True, False])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize(("channels", "filters", "groups"), [(4, 4, 4), (6, 4, 2), (8, 12, 4), (3, 5, 1)])
def test_a_grouped_convolution_is_its_groups_side_by_side(
    channels: int, filters: int, groups: int, strides: int, as_dense: bool
) -> None:
    x = np.random.default_rng(0).normal(size=(2, 7, 6, channels)).astype(np.float32)
    layer = GroupedConv2D(filters, groups, strides)
    layer.as_dense = as_dense
    found = np.asarray(layer(x))
    kernels = np.split(np.asarray(layer.kernel), groups, axis=-1)
    parts = [
        np.asarray(keras.ops.conv(part, kernel, strides=strides, padding="same"))
        for part, kernel in zip(np.split(x, groups, axis=-1), kernels, strict=True)
    ]
    np.testing.assert_allclose(found, np.concatenate(parts, axis=-1), rtol=1e-4, atol=1e-5)

    native = keras.layers.Conv2D(filters, 3, strides, padding="same", groups=groups, use_bias=False)
    native.build(x.shape)
    assert native.kernel.shape == layer.kernel.shape
    native.set_weights(layer.get_weights())
    np.testing.assert_allclose(found, np.asarray(native(x)), rtol=1e-4, atol=1e-5)


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="4 groups do not divide 6 input and 8 output channels"):
        GroupedConv2D(8, groups=4).build((None, 5, 5, 6))
