"""Skip connections on trial: specs, training, records and analyses behind the book.

Nothing heavy is imported here. Keras is loaded by the modules that build or train a network, and its backend is
TensorFlow unless ``KERAS_BACKEND`` says otherwise.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN's convolutions off where the processor lacks AVX-512 VNNI, and takes 2 to 4 times as long.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # several runs share a GPU
