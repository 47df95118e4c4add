"""What a dropout layer *after* the output layer does to the training metrics of a net that knows every answer.

Keras averages the training metrics with dropout on, so they describe the net with a share of its outputs struck out.
The closed forms hold in the limit of a perfect and very confident net: the true class has a large positive output and
all others very negative ones (logits), or the probabilities are one-hot. A struck output is 0, the rest is scaled up.
"""

import itertools
import math

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import logsumexp

from skipnets.scoring import CLIP


def logits_ceiling(rate: float, classes: int = 10) -> tuple[float, float]:
    """Accuracy and loss (nats) of a perfect net whose logits pass a dropout of ``rate``.

    The true logit survives with probability 1-r: right, loss 0. Struck, it is 0 and ties for the largest with the m
    other struck logits, m ~ Bin(classes-1, r): right with probability 1/(m+1), which averages to
    (1-(1-r)^classes)/classes, loss log(m+1).
    """
    struck = np.arange(classes)
    weights = stats.binom.pmf(struck, classes - 1, rate)
    accuracy = (1 - rate) + (1 - (1 - rate) ** classes) / classes
    return float(accuracy), float(rate * (weights * np.log1p(struck)).sum())


def average_over_draws(
    logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], rate: float
) -> tuple[float, float]:
    """Accuracy and loss (nats) of outputs (n, classes) behind a dropout of ``rate``: exact, over all 2^classes draws.

    Of equal outputs the first counts as the answer, as in Keras.
    """
    n, classes = logits.shape
    true = np.arange(n), labels
    accuracy = loss = 0.0
    for kept in itertools.product((False, True), repeat=classes):
        chance = (1 - rate) ** sum(kept) * rate ** (classes - sum(kept))
        outputs = np.where(kept, logits / (1 - rate), 0.0)
        accuracy += chance * float((outputs.argmax(axis=1) == labels).mean())
        loss += chance * float((logsumexp(outputs, axis=1) - outputs[true]).mean())
    return accuracy, loss


def probabilities_ceiling(rate: float) -> tuple[float, float]:
    """Accuracy and loss (nats) of a perfect net whose probabilities pass a dropout of ``rate``.

    A struck true class has probability 0, which Keras clips to 1e-7: the loss is 16.1 with probability r.
    """
    return 1 - rate, -rate * math.log(CLIP)
