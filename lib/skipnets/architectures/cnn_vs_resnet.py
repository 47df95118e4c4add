"""Document 000: the CNN of its Figure 4 (418,794 parameters) and the residual net of its Figure 6 (223,242)."""

import keras
from keras import layers

from skipnets.architectures.blocks import Frame, dropout, to_vector
from skipnets.specs import CNN, ResNet


def build_cnn(cnn: CNN, frame: Frame) -> keras.Model:
    """Build Figure 4's net: three stages of two 3x3 'same' convolutions and a pooling, a dense layer of 64.

    The figure's last row is a dropout *after* the output layer; the document does not print its rate.
    """
    x = inputs = frame.input()
    for stage, filters in enumerate((32, 64, 128)[: cnn.stages], start=1):
        x = frame.conv(x, filters, name=f"stage{stage}_conv1", activation=cnn.activation)
        x = frame.conv(x, filters, name=f"stage{stage}_conv2", activation=cnn.activation)
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = to_vector(x, cnn.head)
    x = frame.dense(x, 64, name="dense", activation=cnn.activation)
    x = frame.output(x)
    x = dropout(x, cnn.output_dropout, name="output_dropout")
    return keras.Model(inputs, x, name="cnn")


def build_resnet(resnet: ResNet, frame: Frame) -> keras.Model:
    """Build Figure 6's net: two 'valid' convolutions, two residual units of 64 channels, global average pooling.

    It is the toy ResNet of Keras' guide to the functional API.
    """
    inputs = frame.input()
    x = frame.conv(inputs, 32, name="stem_conv1", padding="valid")
    x = frame.conv(x, 64, name="stem_conv2", padding="valid")
    x = layers.MaxPooling2D(3, name="stem_pool")(x)
    for unit in (1, 2):
        branch = frame.conv(x, 64, name=f"unit{unit}_conv1")
        branch = frame.conv(branch, 64, name=f"unit{unit}_conv2")
        x = layers.Add(name=f"unit{unit}_add")([branch, x]) if resnet.skips else branch
    x = frame.conv(x, 64, name="head_conv", padding="valid")
    x = to_vector(x, resnet.head)
    x = frame.dense(x, 256, name="dense")
    x = dropout(x, resnet.dropout, name="dropout")
    return keras.Model(inputs, frame.output(x), name="resnet" if resnet.skips else "resnet_without_additions")
