#!/usr/bin/env python3
"""Reads an artefact and prints everything in it: a second reader, written from SPEC.md alone."""

import hashlib
import math
import struct
import sys
import zlib

SIZES = {"i8": 1, "i16": 2, "i32": 4, "i64": 8}
WINDOW = ("window", "8H")
CLAMP = ("clamp", "2b")
WIDE_CLAMP = ("clamp", "2h")
FACTOR = ("factor", "ib")
OPERATORS = {
    1: ("Conv2d", [WINDOW, CLAMP]),
    2: ("DepthwiseConv2d", [WINDOW, ("depth_multiplier", "H"), CLAMP]),
    3: ("FullyConnected", [CLAMP]),
    4: ("AveragePool2d", [WINDOW, CLAMP]),
    5: ("MaxPool2d", [WINDOW, CLAMP]),
    6: ("Mean", [FACTOR]),
    7: ("Add", [("left_shift", "B"), FACTOR, FACTOR, FACTOR, CLAMP]),
    8: ("Mul", [FACTOR, CLAMP]),
    9: ("Concatenate", [("axis", "B")]),
    10: ("Pad", [("before", "4H"), ("after", "4H"), ("value", "b")]),
    11: ("Reshape", []),
    12: ("ResizeNearest", [("align_corners", "B"), ("half_pixel_centers", "B")]),
    13: ("ResizeBilinear", [("align_corners", "B"), ("half_pixel_centers", "B")]),
    14: ("Softmax", [FACTOR, ("difference_min", "i")]),
    15: ("Lookup", []),
    16: ("Prelu", [FACTOR, FACTOR]),
    17: ("Sub", [("left_shift", "B"), FACTOR, FACTOR, FACTOR, CLAMP]),
    18: ("Div", [FACTOR, CLAMP]),
    19: ("Minimum", []),
    20: ("Maximum", []),
    21: ("SquaredDifference", [("left_shift", "B"), FACTOR, FACTOR, FACTOR]),
    22: ("TransposeConv2d", [WINDOW, CLAMP]),
    23: ("Rearrange", [("start", "I"), ("strides", "6i")]),
    24: ("Gather", [("axis", "B")]),
    25: ("Interpolate", []),
    26: ("Sum", [FACTOR]),
    27: ("ArgMax", [("last", "B")]),
    28: ("BatchMatmul", [("right_transposed", "B"), FACTOR]),
    29: ("LocalResponseNormalization", [("before", "H"), ("after", "H"), ("shift", "B"), ("offset", "Q")]),
    30: ("Normalize", [("centered", "B"), ("shift", "B"), ("offset", "Q"), ("gain_bits", "B")]),
    31: ("WideConv2d", [WINDOW, WIDE_CLAMP]),
    32: ("WideDepthwiseConv2d", [WINDOW, ("depth_multiplier", "H"), WIDE_CLAMP]),
    33: ("WideFullyConnected", [WIDE_CLAMP]),
    34: ("WideAveragePool2d", [WINDOW, WIDE_CLAMP]),
    35: ("WideMaxPool2d", [WINDOW, WIDE_CLAMP]),
    36: ("WideAdd", [("left_shift", "B"), FACTOR, FACTOR, FACTOR, WIDE_CLAMP]),
    37: ("Requantize", [FACTOR]),
}

# What steps and operators were seen to have, by operator.
RELAID = {}
OPERANDS = []


class Section:
    """The bytes of a section, read from front to back."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def numbers(self, layout):
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return list(values)

    def number(self, layout):
        return self.numbers(layout)[0]

    def take(self, length):
        taken = self.data[self.at : self.at + length]
        assert len(taken) == length
        self.at += length
        return taken

    def texts(self):
        ends = self.numbers(f"{self.number('I')}I")
        data = self.take(ends[-1] if ends else 0)
        assert not any(self.take(-self.at % 4))
        return [data[start:end].decode() for start, end in zip([0] + ends, ends)]

    def end(self):
        assert self.at == len(self.data), "bytes behind the end"


def crc(data):
    return f"{zlib.crc32(data):08x}"


def show(*words):
    flat = [",".join(map(str, word)) if isinstance(word, (list, tuple)) else str(word) for word in words]
    print(" ".join(flat))


def read(data):
    assert data[:8] == bytes.fromhex("EF4F43454C4C491A"), "magic"
    major, minor, checksum, total, entries = struct.unpack_from("<HHIII", data, 8)
    assert major == 1, "version"
    data = data[:total]
    assert zlib.crc32(data[16:]) == checksum, "checksum"
    show("version", major, minor)
    sections, schedules = {}, []
    for entry in range(entries):
        code, flags, start, length, _ = struct.unpack_from("<HHIII", data, 64 + 16 * entry)
        assert start % 16 == 0 and start + length <= total
        assert 1 <= code <= 11 or not flags & 1, "must understand"
        if code == 8:
            schedules.append(data[start : start + length])
        else:
            sections[code] = data[start : start + length]
    section = lambda code: Section(sections.get(code, b""))

    name, version = section(1).texts() if 1 in sections else ("", "")
    show("identity", name, version)
    tensors = read_tensors(section(2), sections.get(9, b""))
    operators = read_operators(section(3))
    ports = read_ports(section(4))
    if 5 in sections:
        read_input_contracts(section(5), tensors)
    if 6 in sections:
        read_output_contracts(section(6))
    if 7 in sections:
        seed, expected, shift, *zeros = section(7).numbers("IIB3B")
        assert not any(zeros)
        show("self_test", seed, shift, f"{expected:08x}")
    for schedule in schedules:
        read_schedule(Section(schedule), tensors)
    if 10 in sections:
        names = section(10)
        for kind, count in ("tensor", len(tensors)), ("operator", operators):
            texts = names.texts()
            assert len(texts) == count
            for id, text in enumerate(texts):
                show("name", kind, id, text)
        names.end()
    if 11 in sections:
        texts = section(11).texts()
        for key, value in zip(texts[::2], texts[1::2]):
            show("provenance", f"{key}={value}")
    check_answer_id(data[32:64], sections, tensors)
    if code == 12:
        assert length == 128 and start + length == total, "the signature is not the end"
        read_signature(section(12), data[:12] + bytes(4) + data[16 : total - 64])


def read_signature(section, signed):
    algorithm, *zeros = section.numbers("4B")
    release, board = section.number("I"), section.take(24)
    assert algorithm == 1 and not any(zeros) and release != 0
    name, _, padding = board.partition(b"\0")
    assert not any(padding)
    show("signature", release, name.decode(), section.take(32).hex(), section.take(64).hex(), crc(signed))
    section.end()


def read_tensors(section, constants):
    tensors = []
    while section.at < len(section.data):
        element, rank, zero_point, storage, scale, *rest = section.numbers("BBbBI6III")
        axes, (offset, length) = rest[:rank], rest[6:]
        assert storage <= 8 and not any(rest[rank:6])
        element = list(SIZES)[element]
        data = None
        if storage > 0:
            stored = constants[offset : offset + length]
            elements = math.prod(axes)
            assert offset % 16 == 0 and len(stored) == length
            if storage == 1:
                data = stored
            elif storage == 2:
                assert length == SIZES[element]
                data = stored * elements
            elif storage == 8:
                assert length == offset == 0
                data = b""
            else:
                assert element == "i8"
                data = bytes(value & 0xFF for value in decode(storage, Section(stored), elements))
            assert storage == 8 or len(data) == elements * SIZES[element]
        shown = "-" if data is None else crc(data)
        show("tensor", len(tensors), element, axes or "-", zero_point, f"{scale:08x}", storage, shown)
        tensors.append((axes, data))
    return tensors


def decode(storage, section, elements):
    row = section.number("I")
    rows, values = elements // row, [0] * elements
    assert row >= 1 and elements % row == 0
    if storage == 3:
        bits, entries, kind, zero = section.numbers("4B")
        books = [section.numbers(f"{entries}b") for _ in range([0, 1, rows][kind])]
        for place, number in enumerate(small_numbers(section, bits, elements)):
            book = books[place // row if kind == 2 else 0] if books else None
            values[place] = book[number] if book else number - (number >> bits - 1 << bits)
    elif storage == 4:
        kept, *zeros = section.numbers("4B")
        fours = [start + four for start in range(0, elements, row) for four in range(0, row, 4)]
        weights = section.numbers(f"{kept * len(fours)}b")
        places = small_numbers(section, 2, kept * len(fours))
        for index, (weight, place) in enumerate(zip(weights, places)):
            four = fours[index // kept]
            if four % row + place < row:
                values[four + place] = weight
            else:
                assert weight == 0
    elif storage == 5:
        for start, count in zip(range(0, elements, row), counts(section, rows)):
            place = 0
            while count:
                group = count % 4 or 4
                steps = section.numbers("4B")[4 - group :]
                for step in steps:
                    place += 4 * step
                    put(values, start + place, section.numbers("4b"), start + row)
                count -= group
    elif storage == 6:
        for start, count in zip(range(0, elements, row), counts(section, rows)):
            place = start
            for _ in range(2 * count):
                step, weight = section.numbers("Bb")
                place += step
                assert place < start + row
                if weight:
                    put(values, place, [weight], start + row)
    else:
        decode_codes(section, values, row)
    section.end()
    return values


def put(values, place, weights, end):
    for at, weight in enumerate(weights, place):
        if at < end:
            values[at] = weight
        else:
            assert weight == 0


def counts(section, rows):
    table = section.numbers(f"{rows}H")
    assert not any(section.take(-section.at % 4))
    return table


def small_numbers(section, bits, count):
    data = int.from_bytes(section.take((bits * count + 7) // 8), "little")
    assert data >> bits * count == 0
    return [data >> bits * index & (1 << bits) - 1 for index in range(count)]


def decode_codes(section, values, row):
    kind, *zeros = section.numbers("4B")
    bits = section.number("I")
    steps = alphabet(section) if kind else None
    weights = alphabet(section)
    data = section.take((bits + 7) // 8)
    codes = f"{int.from_bytes(data, 'big'):0{8 * len(data)}b}"[:bits] if bits else ""
    at = 0

    def symbol(table):
        nonlocal at
        for length in range(1, 13):
            found = table.get(codes[at : at + length])
            if found is not None:
                at += length
                return found
        raise AssertionError("no code")

    signed = lambda byte: byte - 256 if byte > 127 else byte
    if kind == 0:
        values[:] = [signed(symbol(weights)) for _ in values]
    length = {0: 1, 1: 1, 2: 4}[kind]
    runs = [start + run for start in range(0, len(values), row) for run in range(0, row, length)]
    run = 0
    while at < len(codes):
        step = symbol(steps)
        run += step
        if step != 255:
            told = [signed(symbol(weights)) for _ in range(length)]
            put(values, runs[run], told, runs[run] - runs[run] % row + row)
            run += 1


def alphabet(section):
    table, code = {}, 0
    for length, count in enumerate(section.numbers("12B"), 1):
        for _ in range(count):
            assert code < 1 << length
            table[f"{code:0{length}b}"] = None
            code += 1
        code <<= 1
    return dict(zip(table, section.numbers(f"{len(table)}B")))


def read_operators(section):
    count = section.number("I")
    table = [section.numbers("HBBI") for _ in range(count)]
    for id, (code, inputs, outputs, offset) in enumerate(table):
        assert offset == section.at
        operands, results = section.numbers(f"{inputs}H"), section.numbers(f"{outputs}H")
        OPERANDS.append(operands)
        name, fields = OPERATORS[code]
        attributes = [number for _, layout in fields for number in section.numbers(layout)]
        assert not any(section.take(section.at % 2))
        show("operator", id, name, operands, results, attributes or "-")
    section.end()
    return count


def read_ports(section):
    inputs, outputs, states, zero = section.numbers("4H")
    assert zero == 0
    show("inputs", section.numbers(f"{inputs}H") or "-")
    show("outputs", section.numbers(f"{outputs}H") or "-")
    for _ in range(states):
        show("state", section.numbers("2H"))
    section.end()


def read_input_contracts(section, tensors):
    for _ in range(section.number("I")):
        tensor, layout, resize, border, tables, *zeros = section.numbers("HBBBB2B")
        assert not any(zeros) and tables in (1, tensors[tensor][0][3])
        mean, deviation = section.numbers("3I"), section.numbers("3I")
        layout, resize = ["Gray", "Rgb", "Bgr"][layout], ["Stretch", "Letterbox", "CenterCrop"][resize]
        show("input_contract", tensor, layout, resize, border, mean, deviation, crc(section.take(256 * tables)))
    section.end()


def read_output_contracts(section):
    for _ in range(section.number("I")):
        kind = section.number("B")
        if kind == 1:
            read_boxes(section)
            continue
        detail, tensor = section.number("B"), section.number("H")
        second, threshold, fields, scores = section.numbers("4H")
        fields = section.numbers(f"{2 * fields}i")
        assert scores == (0 if kind in (4, 6) else 1) and kind <= 6, "output contract"
        scores = [crc(section.take(512)) for _ in range(scores)]
        texts = section.texts() or "-"
        presence = "-" if second == 0xFFFF else second
        if kind == 2:
            show("points", tensor, detail, presence, threshold, fields[:2], fields[2:], scores, texts)
            continue
        assert presence == "-"
        if kind == 0:
            show("classes", tensor, scores, texts)
        elif kind in (3, 5):
            show("mask" if kind == 3 else "spots", tensor, detail, threshold, scores, texts)
        elif kind == 4:
            show("embedding", tensor)
        else:
            show("numbers", tensor, fields, texts)
    section.end()


def read_boxes(section):
    decoder, suppression, background = section.numbers("3B")
    score, iou = section.numbers("2H")
    order, (heads, score_tables, value_tables, bins) = section.numbers("4B"), section.numbers("4B")
    labels, keypoints = section.texts(), section.texts()
    score_tables = [crc(section.take(512)) for _ in range(score_tables)]
    value_tables = [crc(section.take(1024)) for _ in range(value_tables)]
    name = ["Linear", "Exponential", "Cells", f"Distribution{bins}"][decoder]
    suppression = ["Hard", "Weighted"][suppression]
    show("boxes", name, suppression, background, score, iou, order, labels, keypoints or "-")
    for _ in range(heads):
        scores, boxes, tensor, anchors, rows, columns = section.numbers("6H")
        first_score, first_box, first_object = section.numbers("3I")
        score_table, object_table, *zeros = section.numbers("4B")
        used, fields = section.numbers("4B"), section.number("I")
        first_centre, step = section.numbers("2i"), section.numbers("2i")
        assert zeros == [0, 0] and fields == (0 if decoder == 3 else anchors * (4 + 2 * len(keypoints)))
        anchors, fields = section.numbers(f"{2 * anchors}I"), section.numbers(f"{2 * fields}i")
        objectness = "-" if tensor == 0xFFFF else [tensor, first_object, score_tables[object_table]]
        values = ["-" if index == 0xFF else value_tables[index] for index in used]
        show("head", scores, first_score, boxes, first_box, objectness, rows, columns, first_centre, step,
             anchors, fields or "-", score_tables[score_table], values)


def read_schedule(section, tensors):
    arena, scratch, steps, zero = section.numbers("4I")
    assert zero == 0
    places = ["-" if place == 0xFFFFFFFF else place for place in section.numbers(f"{len(tensors)}I")]
    records = [section.take(16) for _ in range(steps)]
    (profile,) = section.texts()
    show("schedule", profile, arena, scratch, places)
    for record in records:
        kind, rings, trips, inner, zero, offset = struct.unpack("<BBHIII", record)
        if kind == 0:
            show("step", *operator_step(section.data, record))
            continue
        assert kind == 1 and zero == 0
        body = Section(section.data)
        body.at = offset
        show("row_group", trips)
        for _ in range(inner):
            step = operator_step(section.data, body.take(16))
            show("row_step", *step, *body.numbers("HBB"))
        for _ in range(rings):
            show("ring", *body.numbers("2H"))


def operator_step(data, record):
    kind, layouts, operator, start, length, offset = struct.unpack("<BBHIII", record)
    assert kind == 0
    table = Section(data)
    table.at = offset
    shown = []
    for _ in range(layouts):
        operand, code, zero, at, size = table.numbers("BBHII")
        assert zero == 0 and at % 16 == 0 and at + size <= len(data)
        shown += [operand, code, crc(data[at : at + size])]
        RELAID[operator, operand] = code, data[at : at + size]
    return operator, start, length, shown or "-"


def unpair(axes, relaid):
    outputs, depth = axes[0], math.prod(axes[1:])
    halfwords = iter(struct.unpack(f"<{len(relaid) // 2}h", relaid))
    weights = bytearray(outputs * depth)
    for o in range(0, outputs, 2):
        for k in range(0, depth, 4):
            for column in k, k + 2, k + 1, k + 3:
                halfword = next(halfwords)
                low = (halfword + 128) % 256 - 128
                for output, weight in (o, low), (o + 1, (halfword - low) // 256):
                    if output < outputs and column < depth:
                        weights[output * depth + column] = weight % 256
                    else:
                        assert weight == 0
    return bytes(weights)


def check_answer_id(stored, sections, tensors):
    for (operator, operand), (code, relaid) in RELAID.items():
        id = OPERANDS[operator][operand]
        axes, data = tensors[id]
        if data == b"":
            assert code == 1
            tensors[id] = axes, unpair(axes, relaid)
    records = bytearray(sections[2])
    for start in range(0, len(records), 40):
        records[start + 3] = min(records[start + 3], 1)
        records[start + 32 : start + 40] = bytes(8)
    digest = hashlib.sha256()
    parts = [bytes(records)] + [sections.get(code, b"") for code in (3, 4, 5, 6)]
    for part in parts + [data for _, data in tensors if data is not None]:
        digest.update(struct.pack("<Q", len(part)) + part)
    assert digest.digest() == stored, "answer id"
    show("answer_id", stored.hex())


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        read(file.read())
