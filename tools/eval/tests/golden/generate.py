"""Boxes for tests/coco.rs and what pycocotools 2.0.11 says of them (numpy 2.4.6, Python 3.11, seed 20).

Run in this folder: python generate.py
"""
import json
import random

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

random.seed(20)
PICTURES, CLASSES = 14, 3
truths, found = [], []
for picture in range(1, PICTURES + 1):
    for _ in range(random.randrange(7)):
        left, top = random.randrange(200), random.randrange(150)
        width, height = random.randrange(8, 80), random.randrange(8, 80)
        category = random.randrange(1, CLASSES + 1)
        crowd = int(random.random() < 0.1)
        truths.append(dict(id=len(truths) + 1, image_id=picture, category_id=category, iscrowd=crowd,
                           bbox=[left, top, width, height], area=width * height))
        for _ in range(random.choice([0, 1, 1, 1, 2])):
            def moved(value):
                return round(value + random.gauss(0, 4), 1)
            guess = category if random.random() < 0.9 else random.randrange(1, CLASSES + 1)
            found.append(dict(image_id=picture, category_id=guess, score=round(random.random(), 2),
                              bbox=[moved(left), moved(top), max(4, moved(width)), max(4, moved(height))]))
    for _ in range(random.randrange(3)):
        found.append(dict(image_id=picture, category_id=random.randrange(1, CLASSES + 1),
                          score=round(0.5 * random.random(), 2),
                          bbox=[random.randrange(200), random.randrange(150), 30, 30]))
images = [dict(id=picture, file_name=f"{picture}.png") for picture in range(1, PICTURES + 1)]
categories = [dict(id=c, name=f"class {c}") for c in range(1, CLASSES + 1)]
json.dump(dict(images=images, categories=categories, annotations=truths), open("truths.json", "w"))
json.dump(found, open("found.json", "w"))

coco = COCO("truths.json")
evaluation = COCOeval(coco, coco.loadRes("found.json"), "bbox")
evaluation.evaluate()
evaluation.accumulate()
precision = evaluation.eval["precision"][:, :, :, 0, 2]  # threshold, recall, class; all areas, 100 boxes
assert (precision > -1).all()
expected = dict(map_50=float(np.mean(precision[0])), map_50_95=float(np.mean(precision)))
json.dump(expected, open("expected.json", "w"))
print(len(truths), len(found), expected)
