"""What a Hessian-vector product costs beside PyHessian's, on document 000's residual net (223,242 parameters).

PyHessian's method, written here in PyTorch: one gradient whose graph is kept, and one reverse pass through that graph a
product. Both sides have the same weights, images and labels and take turns, so that whatever else the machine does
disturbs both alike; the printed deviations say how far their gradients and products are apart, which is rounding. Ours
sums over batches of 32 images, whose activations stay in the processor's caches. In the Lanczos runs both products go
through the same ``tridiagonalize``: float64 vectors, orthogonalised twice. Times are CPU seconds, user and system, of
all threads of this process.

PyTorch is needed here alone, and the book does not install it. Take its CPU build, in an environment of its own:

    pip install -r requirements.lock "torch==2.13.*"
    python benchmarks/hessian_vector_product.py --repeats 15

The floor: with one pass forward and two back a layer, a gradient is three forward passes, and a product through a kept
graph has twice the convolutions of a gradient. Ours goes through the net anew for each product and has 50 convolutions
where the gradient has 20: 2.5 times.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import torch
from torch.nn import functional

from skipnets.analysis.curvature import Array, Hessian, Objective
from skipnets.analysis.lanczos import tridiagonalize
from skipnets.architectures import build
from skipnets.specs import ResNet


def resnet(weights: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """Return the logits (n, classes) of ``architectures.build(ResNet())`` with Keras' weights, by their paths."""

    def conv(name: str, x: torch.Tensor, padding: str) -> torch.Tensor:
        return functional.relu(
            functional.conv2d(x, weights[f"{name}/kernel"], weights[f"{name}/bias"], padding=padding)
        )

    def dense(name: str, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, weights[f"{name}/kernel"], weights[f"{name}/bias"])

    x = conv("stem_conv2", conv("stem_conv1", images, "valid"), "valid")
    x = functional.max_pool2d(x, 3)
    for unit in (1, 2):
        x = x + conv(f"unit{unit}_conv2", conv(f"unit{unit}_conv1", x, "same"), "same")
    x = conv("head_conv", x, "valid").mean((2, 3))
    return dense("output", functional.relu(dense("dense", x)))


def to_torch(array: Array) -> torch.Tensor:
    """Turn a variable from Keras' layout into PyTorch's: (out, in, height, width) and (out, in)."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return torch.tensor(np.ascontiguousarray(array.transpose(order)))


def to_keras(tensor: torch.Tensor) -> Array:
    """Turn a tensor back into Keras' layout and flatten it."""
    order = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[tensor.ndim]
    return tensor.detach().numpy().transpose(order).ravel().astype(np.float64)


class TorchHessian:
    """The Hessian of the same loss by PyHessian's method, on the parameter vector of the objective."""

    def __init__(self, objective: Objective):
        self.objective = objective
        self.shape = (objective.size, objective.size)
        self.images = torch.tensor(np.ascontiguousarray(objective.images.transpose(0, 3, 1, 2)))
        self.labels = torch.tensor(objective.labels)
        pairs = zip(objective.names, objective.variables, strict=True)
        self.weights = {name: to_torch(variable.numpy()).requires_grad_() for name, variable in pairs}
        self.parameters = list(self.weights.values())
        self.kept = self.gradient(create_graph=True)

    def value(self) -> torch.Tensor:
        """Mean loss."""
        return functional.cross_entropy(resnet(self.weights, self.images), self.labels)

    @torch.no_grad()
    def forward(self) -> None:
        """Compute the loss and nothing for a gradient."""
        self.value()

    def gradient(self, create_graph: bool = False) -> tuple[torch.Tensor, ...]:
        """Gradient, one tensor a variable."""
        return torch.autograd.grad(self.value(), self.parameters, create_graph=create_graph)

    def __matmul__(self, vector: Array) -> Array:
        """Multiply a vector (size,)."""
        vector = vector.astype(self.objective.dtype.as_numpy_dtype)
        ends = np.cumsum([parameter.numel() for parameter in self.parameters])
        variables = self.objective.variables
        parts = zip(np.split(vector, ends[:-1]), variables, strict=True)
        tensors = [to_torch(part.reshape(variable.shape)) for part, variable in parts]
        found = torch.autograd.grad(self.kept, self.parameters, grad_outputs=tensors, retain_graph=True)
        return np.concatenate([to_keras(tensor) for tensor in found])


def both_sides(precision: str, count: int) -> tuple[Hessian, TorchHessian]:
    """Return our Hessian and theirs on ``count`` random images, with the same weights."""
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)  # floatx alone does not change a policy that is already in use
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = rng.random((count, 32, 32, 3)), rng.integers(0, 10, count)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    objective = Objective(build(ResNet()), loss, images, labels, batch_size=32)
    return Hessian(objective), TorchHessian(objective)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process that ``work`` takes."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def spread(values: Array) -> str:
    """Median and range."""
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f}, n={len(values)})"


def deviation(found: Array, expected: Array) -> float:
    """Largest difference, as a share of the largest entry."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def main() -> None:
    """Check that both sides compute the same, measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=15, help="of forward pass, gradient and product")
    parser.add_argument("--steps", type=int, default=80, help="of a Lanczos run")
    parser.add_argument("--runs", type=int, default=3, help="Lanczos runs")
    arguments = parser.parse_args()

    for precision, count in (("float64", 8), ("float32", arguments.images)):
        ours, theirs = both_sides(precision, count)
        vector = np.random.default_rng(1).choice([-1.0, 1.0], ours.shape[0])
        gradient = np.concatenate([to_keras(part) for part in theirs.gradient()])
        print(f"{vector.size} parameters, {count} images, {precision}: largest difference over largest entry")
        print(f"  gradient {deviation(ours.objective.gradient(), gradient):.1e}")
        print(f"  product  {deviation(ours @ vector, theirs @ vector):.1e}", flush=True)

    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "forward": (ours.objective.value, theirs.forward),
        "gradient": (ours.objective.gradient, theirs.gradient),
        "product": (lambda: ours @ vector, lambda: theirs @ vector),
    }
    for pair in ways.values():  # the first call traces
        for work in pair:
            work()
    measured = {name: np.empty((arguments.repeats, 2)) for name in ways}
    for number in range(arguments.repeats):
        for name, pair in ways.items():
            measured[name][number] = [seconds(work) for work in pair]
    print("CPU seconds, ours and theirs, and their ratio: median (range)")
    for name, times in measured.items():
        print(f"  {name:8} {spread(times[:, 0])}; {spread(times[:, 1])}; ratio {spread(times[:, 0] / times[:, 1])}")
    for side, name in enumerate(("ours", "theirs")):
        forward, slope, product = (measured[work][:, side] for work in ways)
        print(f"  {name}: gradient/forward {spread(slope / forward)}, floor 3")
        print(f"  {name}: product/gradient {spread(product / slope)}, floor 2", flush=True)

    ratios = []
    for _ in range(arguments.runs):
        mine, other = (seconds(lambda h=h: tridiagonalize(h, vector, arguments.steps)) for h in (ours, theirs))
        ratios.append(mine / other)
        print(f"Lanczos, {arguments.steps} steps: {mine:.1f} and {other:.1f}, ratio {ratios[-1]:.2f}", flush=True)
    if ratios:
        print(f"Lanczos, {arguments.steps} steps: ratio {spread(np.array(ratios))}")


if __name__ == "__main__":
    main()
