"""The look that every figure of the book shares."""

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib_inline.backend_inline import set_matplotlib_formats

# Seaborn's "colorblind" palette: colours that readers can tell apart who do not see red and green.
BLUE, GREEN, ORANGE, PINK, SILVER = "#0173b2", "#029e73", "#d55e00", "#cc78bc", "#888888"
INK, GREY = "#222222", "#555555"  # lines and text


def use_book_style() -> None:
    """Set the look of every figure of a chapter: vector graphics, quiet axes, repeatable files."""
    set_matplotlib_formats("svg")
    plt.switch_backend(plt.get_backend())  # else the first figure does, and connects the hook again
    plt.uninstall_repl_displayhook()  # at a cell's end it would draw each figure once more, for no screen
    sns.set_theme(style="ticks", context="notebook", font_scale=0.85)
    plt.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.constrained_layout.use": True,
            "svg.hashsalt": "skipnets",
            "legend.frameon": False,
        }
    )


def say(axis: Axes, text: str) -> None:
    """Write ``text`` across the middle of an empty panel."""
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", color=SILVER)
