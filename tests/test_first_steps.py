"""First steps: training's own, measured as NumPy and a dense decomposition measure, in files that keep infinities."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from factory import made_up_first_steps
from skipnets.analysis.signal import measure_signal
from skipnets.datasets import ImageSet
from skipnets.engines import KerasEngine, encode_labels, loss_function, scaled
from skipnets.errors import BadInputError, DamagedFileError
from skipnets.measurements import FirstSteps, Measurements
from skipnets.measurements.first_steps import measure_first_steps
from skipnets.order import batches
from skipnets.specs import SGD, DeepNet, RunSpec, StepDecay
from tiny import few_images, make_spec, train_in

NET = DeepNet(kind="residual_net", depth=8, width=4)
LAYERS = ("stem", *(f"stage{stage}_unit1_conv{number}" for stage in (1, 2, 3) for number in (1, 2)))
HIDDEN = ("stem_relu", *(f"stage{stage}_unit1_{end}" for stage in (1, 2, 3) for end in ("conv1_relu", "relu")))


def deep_spec(**changes: object) -> RunSpec:
    """Three epochs of four steps, the rate falling after one, a tenth of the images held out."""
    usual = {
        "architecture": NET,
        "optimizer": SGD(learning_rate=0.1, momentum=0.9),
        "schedule": StepDecay(milestones=(1,)),
        "weight_decay": 1e-3,
        "augmentation": "shift_flip",
        "validation": 0.1,
        "train_images": 100,
        "epochs": 3,
    }
    return make_spec(**(usual | changes))


@pytest.fixture(autouse=True)
def images(few_synthetic_images: None) -> None:
    """Let the synthetic image set be small."""


@pytest.fixture(scope="module")
def found(few_synthetic_images: None) -> FirstSteps:
    return measure_first_steps(deep_spec(), steps=7, images=20)


def test_the_steps_are_those_of_training(found: FirstSteps, tmp_path: Path) -> None:
    """Two epochs of three steps, the last one ragged: their mean losses are what the record of the run says."""
    curve = train_in(tmp_path, deep_spec()).history.training
    sizes = np.array([32, 32, 26])
    assert len(found.loss) == len(found.accuracy) == 7
    for epoch in range(2):
        steps = slice(3 * epoch, 3 * epoch + 3)
        assert np.average(found.loss[steps], weights=sizes) == pytest.approx(curve.loss[epoch], rel=1e-6)
        assert np.average(found.accuracy[steps], weights=sizes) == pytest.approx(curve.accuracy[epoch], abs=1e-4)


@pytest.mark.parametrize("taken", [0, 2, 7])
def test_a_moment_is_the_net_after_so_many_steps(found: FirstSteps, taken: int) -> None:
    spec, data = deep_spec(), few_images().select(90, 1)
    engine = KerasEngine(spec, data)
    todo = [(epoch, batch) for epoch in range(3) for batch in batches(spec.seed, epoch, 90, 32)][:taken]
    for epoch, batch in todo:
        engine.set_learning_rate(0.1 if epoch == 0 else 0.01)
        engine.train(epoch, [batch])
    moment, model = found.moments[taken], engine.model
    assert found.layers == LAYERS
    x = scaled(data.x_train[:20])
    outputs = keras.Model(model.input, [model.get_layer(name).output for name in (*LAYERS, *HIDDEN)])
    maps = [np.asarray(tensor, np.float64) for tensor in outputs(x, training=True)]
    for number, name in enumerate(LAYERS):
        kernel = np.asarray(model.get_layer(name).kernel, np.float64)
        own, hidden = maps[number], maps[len(LAYERS) + number]
        singular = np.linalg.svd(hidden.reshape(-1, hidden.shape[-1]), compute_uv=False)
        expected = {
            "kernel_lowest": kernel.min(),
            "kernel_highest": kernel.max(),
            "kernel_condition": np.linalg.cond(kernel.reshape(-1, kernel.shape[-1])),
            "output_lowest": own.min(),
            "output_highest": own.max(),
            "hidden_highest": hidden.max(),
            "spread": np.sqrt(hidden.var(axis=0).mean() / (hidden**2).mean()),
            "dead": (hidden == 0).all(axis=(0, 1, 2)).sum(),
        }
        if not expected["dead"]:
            expected |= {"condition": singular[0] / singular[-1], "condition_double": singular[0] / singular[-1]}
        for field, value in expected.items():
            assert getattr(moment, field)[number] == pytest.approx(value, rel=2e-3), (name, field)
    labels = encode_labels(spec, data.y_train[:20], 10)
    signal = measure_signal(model, loss_function(spec), x, labels, LAYERS)
    np.testing.assert_allclose(moment.output_gradient, signal.gradient, rtol=2e-3)
    np.testing.assert_allclose(moment.kernel_gradient, signal.kernel_gradient, rtol=2e-3)


def test_moments_are_the_usual_ones_and_the_last(found: FirstSteps) -> None:
    assert list(found.moments) == [0, 1, 2, 5, 7]
    assert (found.steps, found.diverged_at, found.images) == (7, None, 20)


def test_dead_channels_stand_beside_the_condition_of_the_others() -> None:
    """Two steps at a rate far too large kill some channels of the first layers and all of the later ones."""
    net = DeepNet(kind="plain_net", depth=8, width=2, batch_norm=False)
    spec = deep_spec(architecture=net, optimizer=SGD(learning_rate=100), initializer="he_normal")
    moment = measure_first_steps(spec, steps=2, images=20).moments[2]
    channels = [2, 2, 2, 4, 4, 8, 8]
    assert 0 < moment.dead[0] < 2
    assert moment.dead[-1] == 8
    for rank, double, dead, total in zip(moment.rank, moment.rank_double, moment.dead, channels, strict=True):
        assert rank <= double == total - dead
    alive = np.array(moment.dead) < channels
    assert (np.isfinite(moment.condition) == alive).all()


def test_channels_that_float32_cannot_tell_apart_are_told_by_a_pass_in_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the stem's channels differ by one bit of a weight, as NumPy's convolution in float64 sees too."""

    class Twins(KerasEngine):
        def __init__(self, spec: RunSpec, images: ImageSet):
            super().__init__(spec, images)
            stem = self.model.get_layer("stem")
            kernel = stem.kernel.numpy()
            kernel[..., 1] = kernel[..., 0]
            kernel[1, 1, 0, 1] = np.nextafter(kernel[1, 1, 0, 0], np.float32(np.inf))
            stem.set_weights([kernel, *stem.get_weights()[1:]])
            kernels.append(kernel)

    kernels: list[npt.NDArray[np.float32]] = []
    monkeypatch.setattr("skipnets.measurements.first_steps.KerasEngine", Twins)
    net = DeepNet(kind="plain_net", depth=8, width=4, batch_norm=False)
    spec = deep_spec(architecture=net, initializer="he_normal", validation="test")
    moment = measure_first_steps(spec, steps=1, images=20).moments[0]
    x = np.pad(scaled(few_images().x_train[:20]).astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    hidden = np.maximum(np.einsum("nxyiab,abio->nxyo", patches, kernels[0].astype(np.float64)), 0).reshape(-1, 4)
    singular = np.linalg.svd(hidden, compute_uv=False)
    share = singular**2 / (singular**2).sum()
    assert (moment.rank[0], moment.rank_double[0]) == (3, 4)
    assert moment.condition_double[0] == pytest.approx(singular[0] / singular[-1], rel=2e-3)
    assert moment.effective_rank[0] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=2e-3)


def test_a_gradient_grows_by_the_geometric_mean_of_its_layers() -> None:
    steps = made_up_first_steps(deep_spec(), layers=4, output_gradient=(24.0, 12.0, 2.0, 3.0))
    assert steps.moments[0].gradient_growth == pytest.approx(2.0)  # 2, 6 and 2/3 a layer


def test_a_gradient_that_does_not_reach_the_last_layer_has_no_finite_growth() -> None:
    some, none = (
        made_up_first_steps(deep_spec(), layers=3, output_gradient=gradient).moments[0].gradient_growth
        for gradient in ((1.0, 1.0, 0.0), (0.0, 1.0, 0.0))
    )
    assert some == np.inf
    assert np.isnan(none)


def test_a_loss_that_is_not_finite_ends_the_steps_and_survives_the_file(tmp_path: Path) -> None:
    net = DeepNet(kind="plain_net", depth=8, width=2, batch_norm=False)
    spec = deep_spec(architecture=net, optimizer=SGD(learning_rate=1e12), initializer="he_normal")
    found = measure_first_steps(spec, steps=9, images=20)
    assert found.diverged_at == len(found.loss) - 1 < 8
    assert not np.isfinite(found.loss[-1])
    assert np.isfinite(found.loss[:-1]).all()
    assert max(found.moments) == found.diverged_at
    text = found.to_json()
    assert '"NaN"' in text or '"Infinity"' in text
    assert FirstSteps.from_json(text).to_json() == text
    path = Measurements(tmp_path).save(found)
    assert path.read_text() == text
    again = Measurements(tmp_path).first_steps(spec, 9)
    assert again is not None
    np.testing.assert_array_equal(again.loss, found.loss)


def test_steps_read_back_and_a_strangers_are_refused(found: FirstSteps, tmp_path: Path) -> None:
    measurements, spec = Measurements(tmp_path), deep_spec()
    assert measurements.first_steps(spec, 7) is None
    path = measurements.save(found)
    assert measurements.first_steps(spec, 7) == found
    path.rename(path.with_name(f"{spec.run_id}-first8.json"))
    with pytest.raises(DamagedFileError, match="another measurement than its name says"):
        measurements.first_steps(spec, 8)


@pytest.mark.parametrize(
    ("changes", "arguments", "named"),
    [
        ({}, {"steps": 10}, "steps 10: expected 1 to 9"),
        ({}, {"steps": 0}, "steps 0: expected 1 to 9"),
        ({}, {"images": 91}, "images 91: expected 2 to 90"),
        ({}, {"images": 1}, "images 1: expected 2 to 90"),
        ({"architecture": {"kind": "cnn"}}, {}, "architecture 'cnn': expected plain_net, residual_net or resnext"),
    ],
)
def test_what_cannot_be_measured_is_named(changes: dict[str, object], arguments: dict[str, int], named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        measure_first_steps(deep_spec(**changes), **({"steps": 1, "images": 20} | arguments))
