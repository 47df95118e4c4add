"""Document 003, Figures 1-3: baseline, concatenation and summation nets of any depth."""

import keras
from keras import layers

from skipnets.architectures.blocks import Frame, dropout
from skipnets.specs import JoinNet


def build_join_net(net: JoinNet, frame: Frame) -> keras.Model:
    """Build three stages of ``depth / 3`` convolutions, each closed by max pooling and batch normalisation.

    With a join, the output of *every* convolution is max-pooled to the size that the third pooling leaves, and
    all of them are concatenated with (or added to) the output of that third, normalised, pooling. So the last
    convolution's pooled output enters twice, once raw and once normalised, as the document's wording has it.
    """
    stages = 3
    x = inputs = frame.input()
    pooled_outputs = []
    for stage in range(1, stages + 1):
        for number in range(1, net.depth // stages + 1):
            x = frame.conv(x, net.kernels, name=f"stage{stage}_conv{number}")
            if net.join != "none":
                to_last_size = layers.MaxPooling2D(2 ** (stages + 1 - stage), name=f"stage{stage}_conv{number}_pool")
                pooled_outputs.append(to_last_size(x))
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
        x = layers.BatchNormalization(name=f"stage{stage}_norm")(x)
    if net.join == "concatenate":
        x = layers.Concatenate(name="join")([*pooled_outputs, x])
    elif net.join == "sum":
        x = layers.Add(name="join")([*pooled_outputs, x])
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate((2048, 1024), start=1):
        x = frame.dense(x, units, name=f"dense{number}")
        x = dropout(x, 0.5, name=f"dropout{number}")
    return keras.Model(inputs, frame.output(x), name=f"join_net_{net.join}")
