"""Draw the README's figure from the committed records: python scripts/first_result.py."""

import matplotlib.pyplot as plt

from skipnets.experiments import cnn_vs_resnet
from skipnets.figures import runs, style
from skipnets.paths import ROOT
from skipnets.results import load_results

plt.switch_backend("agg")
style.use_book_style()
figure = runs.learning_curves(load_results(cnn_vs_resnet()), ["cnn", "resnet", "resnet_no_skips"])
figure.savefig(ROOT / "_static" / "first-result.png", dpi=110)
