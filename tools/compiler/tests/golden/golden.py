"""What both generators share: the input sequence and the form of expected outputs.

Inputs: xorshift32 from the seed, the low byte of each state as int8, divided by 128.
Expected: one line an output, `file  seed  output  count  stride  values`, where the values are every
stride-th number of the output in row-major order, [N, H, W, C] for images.
"""

import numpy as np


def sequence(seed, count):
    state, values = seed, []
    for _ in range(count):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        values.append(state & 0xFF)
    return np.array(values, np.uint8).view(np.int8).astype(np.float32) / 128


def line(file, seed, output, values):
    values = np.asarray(values, np.float32).reshape(-1)
    stride = max(1, -(-values.size // 48))
    sample = " ".join(f"{value:.8g}" for value in values[::stride])
    return f"{file}\t{seed}\t{output}\t{values.size}\t{stride}\t{sample}"
