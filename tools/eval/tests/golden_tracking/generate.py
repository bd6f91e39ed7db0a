"""Tracks for tests/tracking_golden.rs and what motmetrics 1.4.0 says of them (Python 3.11, seed 21).

Run in this folder: python generate.py
"""
import json
import random

import motmetrics
import numpy as np

random.seed(21)
sequences = []
for _ in range(5):
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    frames = []
    objects = [[random.uniform(0, 300), random.uniform(0, 200), random.uniform(30, 80), random.uniform(-3, 3)]
               for _ in range(6)]
    names = {index: 100 + index for index in range(6)}
    for frame in range(60):
        truths, found = [], []
        for index, (left, top, side, speed) in enumerate(objects):
            left += speed * frame
            if not (frame + 11 * index) % 50 < 44:
                continue
            truths.append((index + 1, [round(edge, 1) for edge in (left, top, left + side, top + side)]))
            if random.random() < 0.04:
                names[index] = random.randrange(100, 112)
            if random.random() < 0.85:
                off = [random.gauss(0, side / 12) for _ in range(4)]
                found.append((names[index], [round(edge + by, 1) for edge, by in zip(truths[-1][1], off)]))
        if random.random() < 0.3:
            found.append((random.randrange(100, 112), [5, 5, 45, 45]))
        # An identity is in a frame once.
        found = list({name: (name, box) for name, box in found}.values())
        frames.append(dict(truths=truths, found=found))

        def distance(one, other):
            width, height = (min(one[i + 2], other[i + 2]) - max(one[i], other[i]) for i in (0, 1))
            common = max(width, 0) * max(height, 0)
            whole = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)) - common
            return 1 - common / whole if common / whole >= 0.5 else np.nan
        distances = [[distance(truth, box) for _, box in found] for _, truth in truths]
        accumulator.update([name for name, _ in truths], [name for name, _ in found], distances)
    metrics = motmetrics.metrics.create().compute(
        accumulator, metrics=['mota', 'idf1', 'num_switches', 'num_misses', 'num_false_positives'])
    sequences.append(dict(frames=frames, expected={key: float(metrics[key].iloc[0]) for key in metrics}))
json.dump(sequences, open('tracks.json', 'w'), separators=(',', ':'))
print(motmetrics.__version__, [sequence['expected'] for sequence in sequences])
