"""The answer of a child: arrays into a file, numbers as JSON on the last line of what it prints."""

import json
import sys

import numpy as np


def answer(numbers: dict, **arrays: object) -> None:
    np.savez(sys.argv[2], **{name: np.asarray(array) for name, array in arrays.items()})
    print(json.dumps(numbers))
