"""What moves on a street video, and the video's frames with the tracks of it.

  street.py boxes VIDEO                  prints a line for each box: frame, score, left, top, right, bottom
  street.py draw VIDEO TRACKS OUTPUT     writes a contact sheet of frames with tracks: frame, number, whether seen, box

Boxes come from OpenCV's background subtraction: what it sees splits, merges and flickers as detections do. Called by
`cargo xtask street`, which has the tracker between the two.
"""

import sys

import cv2
import numpy

KERNEL = numpy.ones((9, 5), numpy.uint8)
SHOWN = range(60, 780, 60)
COLUMNS = 3


def frames(video):
    capture, index = cv2.VideoCapture(video), 0
    while True:
        is_there, frame = capture.read()
        if not is_there:
            return
        yield index, frame
        index += 1


def boxes(video):
    cv2.setRNGSeed(0)
    subtractor = cv2.createBackgroundSubtractorMOG2(history=200, varThreshold=40, detectShadows=True)
    for index, frame in frames(video):
        moving = (subtractor.apply(frame) == 255).astype(numpy.uint8)
        moving = cv2.morphologyEx(cv2.medianBlur(moving, 5), cv2.MORPH_CLOSE, KERNEL)
        _, _, things, _ = cv2.connectedComponentsWithStats(moving)
        for left, top, width, height, area in things[1:]:
            # As tall as people are there, and not as wide as cars.
            if 25 <= height <= 250 and 10 <= width <= 1.2 * height and area > 150:
                score = min(area / (0.5 * width * height), 1.0)
                print(index, f"{score:.3f}", left, top, left + width, top + height, sep="\t")


def colour(number):
    hue = numpy.uint8([[[37 * int(number) % 180, 255, 255]]])
    return tuple(int(value) for value in cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0])


def draw(video, tracks, output):
    by_frame = {}
    for line in open(tracks):
        frame, number, seen, *box = line.split("\t")
        by_frame.setdefault(int(frame), []).append((number, seen == "1", [round(float(edge)) for edge in box]))
    pictures, trails = [], {}
    for index, frame in frames(video):
        for number, seen, (left, top, right, bottom) in by_frame.get(index, []):
            trails.setdefault(number, []).append(((left + right) // 2, bottom))
            cv2.rectangle(frame, (left, top), (right, bottom), colour(number), 2 if seen else 1)
            cv2.polylines(frame, [numpy.int32(trails[number][-40:])], False, colour(number), 1)
            cv2.putText(frame, number, (left, top - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour(number), 2)
        if index in SHOWN:
            cv2.putText(frame, f"frame {index}", (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
            pictures.append(cv2.resize(frame, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA))
    rows = [numpy.hstack(pictures[at : at + COLUMNS]) for at in range(0, len(pictures), COLUMNS)]
    cv2.imwrite(output, numpy.vstack([row for row in rows if row.shape == rows[0].shape]))


if sys.argv[1] == "boxes":
    boxes(*sys.argv[2:])
else:
    draw(*sys.argv[2:])
