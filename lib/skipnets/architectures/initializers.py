"""Initial kernels for very deep ReLU nets without shortcuts: delta-orthogonal, and looks-linear.

A layer asks for one by its registered name, so that each draws its own seed from Keras' global one.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from skipnets.errors import BadInputError


@keras.saving.register_keras_serializable("skipnets")
class DeltaOrthogonal(keras.initializers.Orthogonal):
    """An orthogonal matrix at a kernel's centre and 0 elsewhere (Xiao et al., 2018), by default times sqrt(2).

    The factor makes up for a ReLU, which halves the mean square of a signal that is positive as often as not.
    """

    def __init__(self, gain: float = 2**0.5, seed: Any = None):
        super().__init__(gain, seed)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return a kernel (..., in, out)."""
        *positions, channels_in, channels_out = shape
        return _at_centre(positions, super().__call__((channels_in, channels_out), dtype))


@keras.saving.register_keras_serializable("skipnets")
class LooksLinear(keras.initializers.Orthogonal):
    """Orthogonal at the centre and mirrored, so that a ReLU net starts as a linear one (Balduzzi et al., 2017).

    The second half of a convolution's outputs is the first with the opposite sign. What the ReLU cuts off in one half
    passes in the other, and the next kernel takes their difference. An odd number of inputs is an image, not yet
    mirrored; a dense kernel is the net's last, and does not mirror its outputs.
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """Return a kernel (..., in, out).

        Raises:
            BadInputError: A convolution has an odd number of outputs.
        """
        *positions, channels_in, channels_out = shape
        if positions and channels_out % 2:
            raise BadInputError(f"initializer 'looks_linear': {channels_out} channels have no second half to mirror")
        inputs, outputs = 1 if channels_in % 2 else 2, 2 if positions else 1
        matrix = super().__call__((channels_in // inputs, channels_out // outputs), dtype)
        for axis, copies in enumerate((inputs, outputs)):
            if copies == 2:
                matrix = ops.concatenate([matrix, -matrix], axis=axis)
        return _at_centre(positions, matrix)


def _at_centre(positions: Sequence[int], matrix: Any) -> Any:
    """Put ``matrix`` (in, out) at the centre of a kernel (..., in, out) that is 0 elsewhere."""
    around = [((size - 1) // 2, size // 2) for size in positions]
    return ops.pad(ops.reshape(matrix, (*(1 for _ in positions), *matrix.shape)), [*around, (0, 0), (0, 0)])


#: The name under which Keras knows each, by its name in a spec; the others are Keras' own.
REGISTERED = {"delta_orthogonal": "skipnets>DeltaOrthogonal", "looks_linear": "skipnets>LooksLinear"}
