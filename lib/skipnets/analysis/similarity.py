"""How alike two layers' outputs are on the same images."""

import numpy as np
import numpy.typing as npt

from skipnets.errors import BadInputError

Array = npt.NDArray[np.float64]


def linear_cka(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Return linear centred kernel alignment (Kornblith et al., 2019, section 3).

    ``|Y'X|^2 / (|X'X| |Y'Y|)`` in Frobenius norms, each feature centred over the images. It is 1 where one layer's
    outputs are a rotation and a scaling of the other's, and 0 where no feature of one correlates with any of the other.

    Args:
        first: (images, features), the features in any shape.
        second: (images, other features), of the same images.

    Returns:
        From 0 to 1; NaN where one of them is the same on every image.

    Raises:
        BadInputError: Not the same number of images, or fewer than two.
    """
    x, y = (_centred(outputs) for outputs in (first, second))
    if len(x) != len(y) or len(x) < 2:
        raise BadInputError(f"outputs of {len(x)} and {len(y)} images: expected as many of each, and at least two")
    # Between images rather than features: a layer has more features than there are images.
    gram_x, gram_y = x @ x.T, y @ y.T
    norms = np.linalg.norm(gram_x) * np.linalg.norm(gram_y)
    return float((gram_x * gram_y).sum() / norms) if norms else float("nan")


def _centred(outputs: npt.ArrayLike) -> Array:
    rows = np.asarray(outputs, np.float64)
    rows = rows.reshape(len(rows), -1)
    return np.asarray(rows - rows.mean(axis=0))
