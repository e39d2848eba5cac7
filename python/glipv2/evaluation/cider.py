"""CIDEr-D of captions as they are written: words are runs of letters and digits, in lower case."""

from __future__ import annotations

import re
from collections.abc import Sequence

from glipv2.scoring.captions import cider

#: What a caption has that is its only reference.
MOST = cider.MOST


def cider_d(found: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Of each picture's caption, 0 to 10; their mean is a data set's figure. `references`: at least one for each."""
    return cider.cider_d([_words(one) for one in found], [[_words(one) for one in several] for several in references])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
