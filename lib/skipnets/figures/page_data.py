"""What a page's script reads: an element of the page that holds data."""

import json


def page_data(identifier: str, data: object) -> str:
    """Return the HTML element ``identifier`` with ``data`` as JSON.

    Raises:
        ValueError: A number in it is not finite, which browsers refuse.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return f'<script type="application/json" id="{identifier}">{text}</script>'
