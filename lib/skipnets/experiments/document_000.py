"""Document 000's experiment, its controls and its other image sets."""

from collections.abc import Sequence
from typing import Any

from skipnets.experiments.grid import Cell, Experiment, Scale, seeds_of
from skipnets.specs import CNN, SGD, Adam, Part, ResNet, RMSprop, parse_spec

#: The document's own, with as many test images as ``cifar10-head`` has.
BOOK = Scale("cifar10-head", epochs=250, samples=2500, test_samples=1017, batch_size=64)


def cnn_vs_resnet(
    image_set: str = BOOK.image_set,
    epochs: int = BOOK.epochs,
    samples: int = BOOK.samples,
    test_samples: int = BOOK.test_samples,
    batch_size: int = BOOK.batch_size,
    seeds: Sequence[int] | None = None,
) -> Experiment:
    """Document 000: a CNN against a small residual net on the first 2,500 images of CIFAR-10.

    The defaults are the book's experiment, each cell with its own seeds. Any other value of an argument that decides
    a result makes a rerun at another scale. The cells about other images exist in the book's experiment alone.

    Raises:
        BadInputError: An argument is out of range; the message names it.
    """
    five, three, two = (0, 1, 2, 3, 4), (0, 1, 2), (0, 1)
    rms = RMSprop()
    scale = Scale(image_set, epochs, samples, test_samples, batch_size)
    full_scale = scale == BOOK

    def cell(
        name: str,
        label: str,
        architecture: Part,
        cell_seeds: tuple[int, ...],
        optimizer: Part = rms,
        main: bool = False,
        **changes: Any,
    ) -> Cell:
        own = changes if epochs == BOOK.epochs else changes | {"epochs": epochs}
        data = scale.fields() | {"optimizer": optimizer, "architecture": architecture} | own
        return Cell(name, label, parse_spec(data), seeds_of(seeds, cell_seeds), main)

    plain_cnn, resnet, no_skips = CNN(output_dropout=0), ResNet(), ResNet(skips=False)
    momentum = SGD(learning_rate=0.01, momentum=0.9)
    cells = [
        cell("cnn", "CNN", CNN(output_dropout=0.2), five, main=True),
        cell("resnet", "ResNet", resnet, five, main=True),
        cell("resnet_no_skips", "ResNet without additions", no_skips, five, main=True),
        cell("cnn_no_dropout", "CNN without output dropout", plain_cnn, five, main=True),
        cell("cnn_softmax", "CNN, softmax", CNN(output_dropout=0.1), five, main=True, loss="probabilities"),
        *(
            cell(f"cnn_dropout_{percent}", f"CNN, output dropout {percent} %", CNN(output_dropout=percent / 100), two,
                 epochs=100)
            for percent in (10, 25, 50)
        ),
        cell("resnet_dropout_0", "ResNet, no dropout", ResNet(dropout=0), three),
        cell("resnet_dropout_25", "ResNet, dropout 25 %", ResNet(dropout=0.25), three),
        cell("resnet_no_skips_dropout_0", "ResNet without additions, no dropout", ResNet(skips=False, dropout=0),
             three),
        cell("resnet_adam", "ResNet, Adam", resnet, two, Adam()),
        cell("cnn_adam", "CNN without output dropout, Adam", plain_cnn, two, Adam()),
        cell("resnet_sgd", "ResNet, SGD with momentum", resnet, two, momentum),
        cell("cnn_sgd", "CNN without output dropout, SGD with momentum", plain_cnn, two, momentum),
        *(
            cell(name, f"CNN without output dropout, {label}", changed, three, epochs=100)
            for name, label, changed in (
                ("cnn_two_stages", "two stages", CNN(output_dropout=0, stages=2)),
                ("cnn_tanh", "tanh", CNN(output_dropout=0, activation="tanh")),
                ("cnn_linear", "linear", CNN(output_dropout=0, activation="linear")),
                ("cnn_average", "averaged maps", CNN(output_dropout=0, head="average")),
            )
        ),
        cell("resnet_flatten", "ResNet, flattened maps", ResNet(head="flatten"), three, epochs=100),
        cell("resnet_epsilon", "ResNet, RMSprop epsilon 0.001", resnet, three, RMSprop(epsilon=1e-3)),
    ]  # fmt: skip
    if full_scale:
        jpeg: dict[str, Any] = {"image_set": "cifar10-jpeg", "test_images": 10_000, "evaluate_test_every": 5}
        more = jpeg | {"train_images": 25_000, "epochs": 50}
        cells += [
            cell("resnet_other_images", "ResNet, images 1,501 to 4,000", resnet, two, train_offset=1500),
            cell("cnn_other_images", "CNN without output dropout, images 1,501 to 4,000", plain_cnn, two,
                 train_offset=1500),
            cell("resnet_jpeg", "ResNet, 10,000 test images", resnet, three, **jpeg),
            cell("cnn_jpeg", "CNN, 10,000 test images", CNN(output_dropout=0.2), three, **jpeg),
            cell("resnet_25000", "ResNet, 25,000 training images", resnet, (0,), **more),
            cell("cnn_25000", "CNN, 25,000 training images", CNN(output_dropout=0.2), (0,), **more),
        ]  # fmt: skip
    return Experiment(
        name="cnn_vs_resnet",
        title="A CNN against a ResNet (document 000)",
        cells=tuple(cells),
        full_scale=full_scale,
    )  # fmt: skip
