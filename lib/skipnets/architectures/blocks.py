"""Pieces that several builders share: the frame around a network, convolutions, dropout, normalization."""

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from skipnets.environment import has_accelerator
from skipnets.specs import Head


@dataclass(frozen=True)
class Frame:
    """What surrounds an architecture: the images it reads, the outputs it gives, how its kernels start."""

    input_shape: tuple[int, int, int]
    classes: int
    output_activation: str | None
    initializer: str

    def input(self) -> Any:
        """Return the input tensor of a new network."""
        return keras.Input(self.input_shape, name="img")

    def dense(self, x: Any, units: int, name: str, activation: str = "relu") -> Any:
        """Apply a dense layer of ``units``."""
        return layers.Dense(units, activation=activation, kernel_initializer=self.initializer, name=name)(x)

    def output(self, x: Any) -> Any:
        """Apply the output layer: linear for logits, softmax for probabilities."""
        return layers.Dense(
            self.classes, activation=self.output_activation, kernel_initializer=self.initializer, name="output"
        )(x)

    def conv(self, x: Any, filters: int, name: str, **options: Any) -> Any:
        """Apply a 3x3 convolution; ReLU and zero padding unless ``options`` say otherwise."""
        options = {"kernel_size": 3, "padding": "same", "activation": "relu"} | options
        return layers.Conv2D(filters, kernel_initializer=self.initializer, name=name, **options)(x)


def to_vector(x: Any, head: Head) -> Any:
    """Turn maps (n, height, width, channels) into one vector an image: all values, or each channel's mean."""
    if head == "average":
        return layers.GlobalAveragePooling2D(name="global_pool")(x)
    return layers.Flatten(name="flatten")(x)


def dropout(x: Any, rate: float, name: str) -> Any:
    """Apply dropout; a rate of 0 adds no layer."""
    return layers.Dropout(rate, name=name)(x) if rate else x


@keras.saving.register_keras_serializable("skipnets")
class BatchNormalization(layers.BatchNormalization):
    """Keras' normalization of channels (n, height, width, channels), in training by TensorFlow's fused operation.

    Keras computes moments, scale and shift one after the other, a large part of a deep net's time on a CPU. Fused, they
    take about a third of that and give the same numbers to rounding. What TensorFlow does not fuse (inference, a frozen
    layer, float64, other backends) is left to Keras.
    """

    def call(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalize ``x``, and in training take its mean and variance into the moving ones."""
        if not (training and self.trainable and x.dtype == "float32" and keras.backend.backend() == "tensorflow"):
            return super().call(x, training=training, mask=mask)
        from tensorflow import raw_ops

        outputs, mean, variance, *_ = raw_ops.FusedBatchNormV3(
            x=x, scale=self.gamma, offset=self.beta, mean=[], variance=[], epsilon=self.epsilon, is_training=True
        )
        values = ops.cast(ops.size(x) // x.shape[-1], x.dtype)
        variance *= (values - 1) / values  # TensorFlow's is the unbiased one
        for moving, found in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * found)
        return outputs


@keras.saving.register_keras_serializable("skipnets")
class GroupedConv2D(layers.Layer):
    """3x3 grouped convolution without bias whose kernel (3, 3, in/groups, out) is as small as it should be.

    TensorFlow's CPU kernels are about a hundred times slower on a grouped than on a dense convolution, so
    without an accelerator the same numbers come from a dense convolution with the block-diagonal kernel.
    """

    def __init__(
        self, filters: int, groups: int, strides: int = 1, initializer: str = "glorot_uniform", **options: Any
    ):
        super().__init__(**options)
        self.filters, self.groups, self.strides, self.initializer = filters, groups, strides, initializer
        self.as_dense = not has_accelerator()

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the kernel, and the mask (in, out) of the channel pairs that belong to one group."""
        channels = int(input_shape[-1] or 0)
        if channels % self.groups or self.filters % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} input and {self.filters} output channels")
        self.kernel = self.add_weight(
            shape=(3, 3, channels // self.groups, self.filters), initializer=self.initializer, name="kernel"
        )
        group_in = ops.arange(channels) // (channels // self.groups)
        group_out = ops.arange(self.filters) // (self.filters // self.groups)
        self.same_group = ops.cast(group_in[:, None] == group_out[None, :], self.compute_dtype)

    def call(self, x: Any) -> Any:
        """Convolve (n, height, width, in) to (n, height/strides, width/strides, out)."""
        kernel = self.kernel
        if self.as_dense:
            kernel = ops.tile(kernel, (1, 1, self.groups, 1)) * self.same_group
        return ops.conv(x, kernel, strides=self.strides, padding="same")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the layer."""
        own = {"filters": self.filters, "groups": self.groups, "strides": self.strides, "initializer": self.initializer}
        return super().get_config() | own
