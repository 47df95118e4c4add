"""Deep dense ReLU nets of equal layers, plain and with skips: what the closed forms of ``mean_field`` speak of.

Every layer is read before its ReLU, and has one matrix and no bias, so that nets of different wiring differ in wiring
alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import keras
from keras import layers

from skipnets.errors import require

Wiring = Literal["plain", "residual", "concatenation", "summation"]


def build_dense_net(
    wiring: Wiring,
    width: int,
    depth: int,
    initializer: str = "he_normal",
    batch_norm: bool = False,
    seed: int = 0,
) -> keras.Model:
    """Build a net whose hidden layers h_1 to h_depth are the outputs of its layers ``hidden1``, ``hidden2``, ...

    h_1 = W x. Then h' = W relu(h), in a residual net h' = h + W relu(h). The output is linear in the last layer, in a
    concatenation net in all layers, in a summation net in their sum. Batch normalization comes behind every matrix of a
    plain net, and between h and the ReLU of a residual net, where the skip passes it by (He et al., 2016).

    Args:
        wiring: Which skips there are.
        width: Units of every layer, and numbers of an input.
        depth: Hidden layers.
        initializer: Keras name of the initializer of the hidden layers.
        batch_norm: Whether every layer is normalized.
        seed: Of all weights; the hidden layers' are the same in every wiring.

    Returns:
        A model from (n, width) to outputs (n, 10).

    Raises:
        BadInputError: A width or a depth below 1.
    """
    require(1, width=width, depth=depth)
    x = inputs = keras.Input((width,))
    hidden: list[Any] = []
    for number in range(1, depth + 1):
        matrix = partial(
            layers.Dense, width, use_bias=False, kernel_initializer=_initializer(initializer, 1000 * seed + number)
        )
        steps = [matrix] if number == 1 else [layers.ReLU, matrix]
        if batch_norm and wiring != "residual":
            steps.append(layers.BatchNormalization)
        elif batch_norm and number > 1:
            steps.insert(0, layers.BatchNormalization)
        skip = x if wiring == "residual" and number > 1 else None
        for place, step in enumerate(steps, start=1):
            is_read = skip is None and place == len(steps)
            x = step(name=f"hidden{number}" if is_read else f"step{number}_{place}")(x)
        if skip is not None:
            x = layers.Add(name=f"hidden{number}")([skip, x])
        hidden.append(x)
    if depth > 1 and wiring == "concatenation":
        x = layers.Concatenate(name="join")(hidden)
    elif depth > 1 and wiring == "summation":
        x = layers.Add(name="join")(hidden)
    output = layers.Dense(
        10, use_bias=False, kernel_initializer=_initializer("glorot_normal", 1000 * seed), name="output"
    )
    return keras.Model(inputs, output(x), name=f"dense_{wiring}")


def _initializer(name: str, seed: int) -> Any:
    return keras.initializers.get({"class_name": name, "config": {"seed": seed}})
