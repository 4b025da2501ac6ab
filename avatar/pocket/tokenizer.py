"""A CLIP tokenizer in which every word of the closed vocabulary is one token, and so is the rare token.

CLIP splits text by byte pairs. Here the merges are not counted in a corpus but constructed: words are taken in turn,
and whatever pieces a word still falls into are joined by new merges at the end of the list. A later merge never
changes how an earlier word is read, since earlier merges are always tried first. Unknown text falls into letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

RARE = "ohwx"  # stands for one person while a base is tuned to them; never in a training caption
START, END = "<|startoftext|>", "<|endoftext|>"
LAST = "</w>"  # CLIP marks the last piece of a word with this
Merge = tuple[str, str]


def build(words: Iterable[str], length: int) -> CLIPTokenizer:
    """The tokenizer of these words; texts are cut or filled to `length` tokens, the two end marks counted."""
    pieces = sorted(ByteLevel.alphabet())
    vocabulary = [*pieces, *(piece + LAST for piece in pieces)]
    merges: dict[Merge, int] = {}
    for word in (*_plain(words), RARE):
        parts = _read(word, merges)
        while len(parts) > 1:
            merges[parts[0], parts[1]] = len(merges)
            parts = [parts[0] + parts[1], *parts[2:]]
            vocabulary.append(parts[0])
    names = dict.fromkeys([*vocabulary, START, END])
    vocab = {name: index for index, name in enumerate(names)}
    return CLIPTokenizer(vocab=vocab, merges=list(merges), model_max_length=length)


def _plain(words: Iterable[str]) -> list[str]:
    """The runs of letters in the words, lower case, each once, in a fixed order (CLIP never joins over other signs)."""
    return sorted({run for word in words for run in re.findall(r"[a-z]+", word.lower())})


def _read(word: str, merges: dict[Merge, int]) -> list[str]:
    """The pieces of a word under these merges, joined the way byte pair encoding does it: lowest rank first."""
    parts = [*word[:-1], word[-1] + LAST]
    while len(parts) > 1:
        rank, at = min((merges.get(pair, len(merges)), at) for at, pair in enumerate(pairwise(parts)))
        if rank == len(merges):
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts
