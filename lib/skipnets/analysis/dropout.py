"""Dropout as Keras draws it: which units, when, from which seed, and what it costs a net that knows every answer.

The closed forms for the last are in ``skipnets.analysis.output_dropout``; here they are simulated.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from skipnets.errors import BadInputError
from skipnets.scoring import correct, cross_entropy

Floats = npt.NDArray[np.float32]


def draws(values: Floats, rate: float, steps: int, seed: int, training: bool = True) -> Floats:
    """Pass ``values`` through one dropout layer of Keras, step after step.

    Args:
        values: what enters at every step, of any shape.
        rate: share of units to strike.
        steps: calls of the layer.
        seed: of the layer; each call takes the next numbers of its sequence.
        training: whether the layer is told that it is training.

    Returns:
        What leaves the layer, stacked, with one array of the shape of ``values`` a step.

    Raises:
        BadInputError: ``rate`` is below 0, or 1 and above, where nothing would be left to scale up.
    """
    layer = _layer(rate, seed)
    return np.stack([keras.ops.convert_to_numpy(layer(values, training=training)) for _ in range(steps)])


def simulated_ceiling(
    rate: float, outputs: Literal["logits", "probabilities"], samples: int, seed: int, classes: int = 10
) -> tuple[float, float]:
    """Accuracy and loss (nats) that Keras would report for a perfect net behind an output dropout of ``rate``.

    Logits are 60 for the label and -60 elsewhere. Probabilities are 1e-6 elsewhere: an exact 0 would leave a struck
    net nothing to divide by. An image whose probabilities are all struck still gives 0 / 0; the loss leaves it out.

    Args:
        rate: of the dropout.
        outputs: what the net gives.
        samples: images.
        seed: of the labels and of the dropout.
        classes: outputs of the net.

    Raises:
        BadInputError: ``rate`` is below 0, or 1 and above.
    """
    # labels spread evenly make argmax, which takes the first of the tied, fair on average
    labels = np.random.default_rng(seed).permutation(np.arange(samples) % classes)
    right, wrong = (60.0, -60.0) if outputs == "logits" else (1 - (classes - 1) * 1e-6, 1e-6)
    perfect = np.where(np.eye(classes, dtype=bool)[labels], right, wrong).astype(np.float32)
    struck = keras.ops.convert_to_numpy(_layer(rate, seed)(perfect, training=True))
    return float(correct(struck, labels).mean()), float(np.nanmean(cross_entropy(struck, labels, outputs)))


def fresh_processes_agree(preparation: str) -> bool:
    """Whether ``random.random()`` is the same in two fresh Python processes that first execute ``preparation``."""
    program = f"import random; {preparation}; print(random.random())"
    first, second = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)
    )
    return first == second


def _layer(rate: float, seed: int) -> Any:
    if not 0 <= rate < 1:
        raise BadInputError(f"rate {rate}: expected 0 or more and less than 1")
    return keras.layers.Dropout(rate, seed=seed)
