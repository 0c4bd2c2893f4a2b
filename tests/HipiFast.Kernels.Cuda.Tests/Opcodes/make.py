#!/usr/bin/env python3
"""Writes the .ptx files beside it: python3 make.py. They are kept, so that a machine with a GPU needs no Python to run them (bench/gpu.sh)."""
import glob
import math
import os
import random
from fractions import Fraction

from writer import (F32, HERE, NAN, S32, S64, add, clamp, divide, fma, is_special, least, module, multiply, negative, operation, order, pairs, signed,
                    square_root, to_float, triples, value, written)

random.seed(1)


def float_arithmetic():
    rounding = "rounded to nearest even; a NaN is 0x7FFFFFFF"
    operation("add.f32", ["f32", "f32"], "f32", add, pairs(F32), "a + b, " + rounding)
    operation("sub.f32", ["f32", "f32"], "f32", lambda a, b: add(a, b ^ 0x80000000), pairs(F32), "a - b, " + rounding)
    operation("mul.f32", ["f32", "f32"], "f32", multiply, pairs(F32), "a b, " + rounding)
    operation("div.rn.f32", ["f32", "f32"], "f32", divide, pairs(F32), "a / b, " + rounding)
    operation("fma.rn.f32", ["f32", "f32", "f32"], "f32", fma, triples(F32), "a b + c, rounded once")
    operation("fma.rn.f32", ["f32", "f32", "f32"], "f32", fma,
              [(0x3F800001, 0x3F800001, 0xBF800002), (0x4B7FFFFF, 0x4B7FFFFF, 0xD67FFFFE), (0x3F800001, 0xBF800001, 0x3F800002), (0x00800001, 0x3F000001, 0)],
              "a b + c: the product is not rounded", name="fma.rn.f32-once")
    operation("sqrt.rn.f32", ["f32"], "f32", square_root, F32, "the square root, " + rounding)
    operation("rcp.rn.f32", ["f32"], "f32", lambda a: divide(0x3F800000, a), F32, "1 / a, " + rounding)
    operation("neg.f32", ["f32"], "f32", lambda a: NAN if value(a) == "nan" else a ^ 0x80000000, [x for x in F32 if value(x) != "nan"], "-a")
    operation("abs.f32", ["f32"], "f32", lambda a: a & 0x7FFFFFFF, [x for x in F32 if value(x) != "nan"], "|a|")
    operation("min.f32", ["f32", "f32"], "f32", lambda a, b: least(a, b, 1), pairs(F32), "the lesser; a NaN beside a number is dropped, -0 < +0")
    operation("max.f32", ["f32", "f32"], "f32", lambda a, b: least(a, b, -1), pairs(F32), "the greater; a NaN beside a number is dropped, +0 > -0")
    for word, sign in (("min", 1), ("max", -1)):
        operation(word + ".NaN.f32", ["f32", "f32"], "f32",
                  lambda a, b, s=sign: NAN if "nan" in (value(a), value(b)) else least(a, b, s), pairs(F32), "NaN when either is NaN")
    operation("copysign.f32", ["f32", "f32"], "f32", lambda a, b: a & 0x80000000 | b & 0x7FFFFFFF, pairs(F32), "b with the sign of a")
    for flushing in ("add.ftz.f32", "mul.ftz.f32"):
        zero = [(0x00000001, 0x3F800000), (0x807FFFFF, 0x80000001), (0x00800000, 0x3F000000), (0x00800001, 0x80800000), (0x3F800000, 0x3F800000)]
        flush = lambda x: x & 0x80000000 if x & 0x7F800000 == 0 else x
        function = add if flushing.startswith("add") else multiply
        operation(flushing, ["f32", "f32"], "f32", lambda a, b, f=function: flush(f(flush(a), flush(b))), zero, "subnormal operands and results are zeros of their sign")
    saturated = lambda x: 0 if value(x) == "nan" or negative(x) else 0x3F800000 if order(x, 0x3F800000) >= 0 else x
    operation("add.sat.f32", ["f32", "f32"], "f32", lambda a, b: saturated(add(a, b)), pairs(F32), "a + b, clamped to [0, 1]; NaN gives 0")

    plain = [random.uniform(0.01, 30) for _ in range(24)]
    words = [to_float(Fraction(x)) for x in plain]
    real = lambda x: float(value(x))
    answer = lambda x: to_float(Fraction(x))
    operation("ex2.approx.f32", ["f32"], "f32", lambda a: answer(2.0 ** real(a)), words + [x | 0x80000000 for x in words[:6]], "2^a", "4 ulp")
    operation("lg2.approx.f32", ["f32"], "f32", lambda a: answer(math.log2(real(a))), words, "log2 a", "absolute 4e-7 relative 4e-7")
    operation("rsqrt.approx.f32", ["f32"], "f32", lambda a: answer(1 / math.sqrt(real(a))), words, "1 / sqrt a", "4 ulp")
    operation("rcp.approx.f32", ["f32"], "f32", lambda a: answer(1 / real(a)), words, "1 / a", "2 ulp")
    operation("sqrt.approx.f32", ["f32"], "f32", lambda a: answer(math.sqrt(real(a))), words, "the square root", "4 ulp")
    small = [to_float(Fraction(random.uniform(-3, 3))) for _ in range(24)]
    operation("sin.approx.f32", ["f32"], "f32", lambda a: answer(math.sin(real(a))), small, "sin a in [-pi, pi]", "absolute 6e-7")
    operation("cos.approx.f32", ["f32"], "f32", lambda a: answer(math.cos(real(a))), small, "cos a in [-pi, pi]", "absolute 6e-7")
    operation("tanh.approx.f32", ["f32"], "f32", lambda a: answer(math.tanh(real(a))), small, "tanh a", "relative 5e-4")
    operation("div.approx.f32", ["f32", "f32"], "f32", divide, [(a, b) for a, b in zip(words, small)], "a / b", "2 ulp")
    operation("div.full.f32", ["f32", "f32"], "f32", divide, [(a, b) for a, b in zip(words, small)], "a / b", "2 ulp")
    for word, truth in (("finite", lambda x: not is_special(value(x))), ("infinite", lambda x: value(x) in ("inf", "-inf")),
                        ("number", lambda x: value(x) != "nan"), ("notanumber", lambda x: value(x) == "nan"),
                        ("normal", lambda x: not is_special(value(x)) and x & 0x7F800000 != 0),
                        ("subnormal", lambda x: value(x) != 0 and x & 0x7F800000 == 0)):
        operation(f"testp.{word}.f32", ["f32"], "pred", lambda a, t=truth: int(t(a)), F32, f"whether a is {word}")


def integer_arithmetic():
    for bits, values in ((32, S32), (64, S64)):
        mask = (1 << bits) - 1
        for kind in ("s", "u"):
            of = (lambda x, b=bits: signed(x, b)) if kind == "s" else (lambda x: x)
            suffix, both = f".{kind}{bits}", [f"b{bits}"] * 2
            make = lambda word, function, note, cases=pairs(values), w=both, r=f"b{bits}", s=suffix: operation(word + s, w, r, function, cases, note)
            make("add", lambda a, b: a + b, "a + b, wrapping around")
            make("sub", lambda a, b: a - b, "a - b, wrapping around")
            make("mul.lo", lambda a, b: a * b, "the lower half of a b")
            make("mul.hi", lambda a, b, o=of, n=bits: o(a) * o(b) >> n, "the upper half of a b")
            make("min", lambda a, b, o=of: min(o(a), o(b)), "the lesser")
            make("max", lambda a, b, o=of: max(o(a), o(b)), "the greater")
            divisible = [(a, b) for a, b in pairs(values) if b & mask and not (kind == "s" and b == mask and a == 1 << bits - 1)]
            quotient = lambda a, b, o=of: (abs(o(a)) // abs(o(b))) * (-1 if (o(a) < 0) != (o(b) < 0) else 1)
            make("div", quotient, "a / b, towards zero", divisible)
            make("rem", lambda a, b, o=of, q=quotient: o(a) - q(a, b) * o(b), "what a / b leaves, with the sign of a", divisible)
            operation("mad.lo" + suffix, [f"b{bits}"] * 3, f"b{bits}", lambda a, b, c: a * b + c, triples(values), "the lower half of a b, plus c")
            operation("mad.hi" + suffix, [f"b{bits}"] * 3, f"b{bits}", lambda a, b, c, o=of, n=bits: (o(a) * o(b) >> n) + c, triples(values),
                      "the upper half of a b, plus c")
            shift = f"shr.{kind}{bits}"
            operation(shift, [f"b{bits}", "b32"], f"b{bits}", lambda a, b, o=of, n=bits: o(a) >> min(b, n),
                      [(values[i % len(values)], [0, 1, 5, bits - 1, bits, bits + 1, 255, 0xFFFFFFFF][i % 8]) for i in range(32)],
                      "a >> b; amounts beyond the width act as the width")
        for word, function in (("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)):
            operation(f"{word}.b{bits}", [f"b{bits}"] * 2, f"b{bits}", function, pairs(values), "bit by bit")
        operation(f"not.b{bits}", [f"b{bits}"], f"b{bits}", lambda a: ~a, values, "bit by bit")
        operation(f"neg.s{bits}", [f"b{bits}"], f"b{bits}", lambda a: -a, values, "-a, wrapping around")
        operation(f"abs.s{bits}", [f"b{bits}"], f"b{bits}", lambda a, n=bits: abs(signed(a, n)), values, "|a|")
        operation(f"shl.b{bits}", [f"b{bits}", "b32"], f"b{bits}", lambda a, b, n=bits: a << min(b, n) if b < n else 0,
                  [(values[i % len(values)], [0, 1, 5, bits - 1, bits, bits + 1, 255, 0xFFFFFFFF][i % 8]) for i in range(32)],
                  "a << b; amounts beyond the width act as the width")
        operation(f"popc.b{bits}", [f"b{bits}"], "b32", lambda a: bin(a).count("1"), values, "the number of ones")
        operation(f"clz.b{bits}", [f"b{bits}"], "b32", lambda a, n=bits: n - a.bit_length(), values, "zeros before the first one")
        operation(f"brev.b{bits}", [f"b{bits}"], f"b{bits}", lambda a, n=bits: int(f"{a:0{n}b}"[::-1], 2), values, "the bits turned around")
        operation(f"selp.b{bits}", [f"b{bits}", f"b{bits}", "pred"], f"b{bits}", lambda a, b, p: a if p else b,
                  [(values[i % len(values)], values[(i + 3) % len(values)], i % 3 == 0) for i in range(32)], "a where p holds, else b")
        operation(f"mov.b{bits}", [f"b{bits}"], f"b{bits}", lambda a: a, values, "a")
        fields = [(values[i % len(values)], [0, 1, 4, 31, 8, 63, 255, 16][i % 8], [8, 0, 32, 1, 5, 64, 3, 255][i // 4 % 8]) for i in range(32)]
        operation(f"bfe.u{bits}", [f"b{bits}", "b32", "b32"], f"b{bits}", lambda a, p, c: a >> p & (1 << c) - 1, fields, "c bits from place b on")
        operation(f"bfe.s{bits}", [f"b{bits}", "b32", "b32"], f"b{bits}", lambda a, p, c, n=bits: field(a, p, c, n), fields, "c bits from place b on, with their sign")
    for kind, of in (("s", signed), ("u", lambda x: x)):
        operation(f"mul.wide.{kind}32", ["b32", "b32"], "b64", lambda a, b, o=of: o(a) * o(b), pairs(S32), "all of a b")
        operation(f"mad.wide.{kind}32", ["b32", "b32", "b64"], "b64", lambda a, b, c, o=of: o(a) * o(b) + c,
                  [(a, b, S64[i % len(S64)]) for i, (a, b) in enumerate(pairs(S32))], "all of a b, plus c")
    operation("add.sat.s32", ["b32", "b32"], "b32", lambda a, b: clamp(signed(a) + signed(b), -2**31, 2**31 - 1), pairs(S32), "a + b, clamped")
    operation("bfi.b32", ["b32", "b32", "b32", "b32"], "b32",
              lambda a, b, p, c: b & ~(((1 << c) - 1) << p) | (a & (1 << c) - 1) << p if p < 32 else b,
              [(S32[i % 16], S32[(i * 3 + 1) % 16], [0, 4, 31, 16, 33][i % 5], [8, 0, 32, 1][i % 4]) for i in range(32)], "the lower bits of a in b")
    operation("prmt.b32", ["b32", "b32", "b32"], "b32", permute, [(a, b, random.getrandbits(16)) for a, b in pairs(S32)], "bytes of a and b by the nibbles of c")
    for way, amount in (("wrap", lambda c: c & 31), ("clamp", lambda c: min(c, 32))):
        cases = [(a, b, [0, 1, 7, 31, 32, 33, 40, 255][i % 8]) for i, (a, b) in enumerate(pairs(S32))]
        operation(f"shf.l.{way}.b32", ["b32", "b32", "b32"], "b32", lambda a, b, c, m=amount: ((b << 32 | a) << m(c)) >> 32, cases, "the upper half of b:a << c")
        operation(f"shf.r.{way}.b32", ["b32", "b32", "b32"], "b32", lambda a, b, c, m=amount: (b << 32 | a) >> m(c), cases, "the lower half of b:a >> c")
    operation("lop3.b32", ["b32", "b32", "b32"], "b32", lambda a, b, c: a & b | ~a & c, triples(S32), "a & b | ~a & c by its table, 0xCA",
              text="lop3.b32 d, a, b, c, 0xCA;")


def field(a, place, count, bits):
    place, count = place & 255, count & 255
    if count == 0:
        return 0
    sign = a >> min(place + count - 1, bits - 1) & 1
    made = 0
    for bit in range(bits):
        made |= (a >> (place + bit) & 1 if bit < count and place + bit < bits else sign) << bit
    return made


def permute(a, b, selectors):
    made = 0
    for place in range(4):
        selector = selectors >> 4 * place & 15
        byte = (b << 32 | a) >> 8 * (selector & 7) & 255
        made |= (byte if selector < 8 else 255 if byte & 128 else 0) << 8 * place
    return made


def comparisons():
    relations = {"eq": lambda o: o == 0, "ne": lambda o: o != 0, "lt": lambda o: o < 0, "le": lambda o: o <= 0, "gt": lambda o: o > 0, "ge": lambda o: o >= 0}
    for word, holds in relations.items():
        operation(f"setp.{word}.f32", ["f32", "f32"], "pred", lambda a, b, h=holds: int(order(a, b) is not None and h(order(a, b))), pairs(F32) , "false with a NaN")
        operation(f"setp.{word}u.f32", ["f32", "f32"], "pred", lambda a, b, h=holds: int(order(a, b) is None or h(order(a, b))), pairs(F32), "true with a NaN")
        for bits, values in ((32, S32), (64, S64)):
            equals = pairs(values)[:24] + [(x, x) for x in values[:8]]
            operation(f"setp.{word}.s{bits}", [f"b{bits}"] * 2, "pred",
                      lambda a, b, h=holds, n=bits: int(h((signed(a, n) > signed(b, n)) - (signed(a, n) < signed(b, n)))), equals, "signed")
            operation(f"setp.{word}.u{bits}", [f"b{bits}"] * 2, "pred", lambda a, b, h=holds: int(h((a > b) - (a < b))), equals, "unsigned")
    for word, twin in (("lo", "lt"), ("ls", "le"), ("hi", "gt"), ("hs", "ge")):
        operation(f"setp.{word}.u32", ["b32", "b32"], "pred", lambda a, b, h=relations[twin]: int(h((a > b) - (a < b))), pairs(S32), "unsigned, as " + twin)
    operation("setp.num.f32", ["f32", "f32"], "pred", lambda a, b: int(order(a, b) is not None), pairs(F32), "whether both are numbers")
    operation("setp.nan.f32", ["f32", "f32"], "pred", lambda a, b: int(order(a, b) is None), pairs(F32), "whether one is NaN")
    for word, together in (("and", lambda x, y: x & y), ("or", lambda x, y: x | y), ("xor", lambda x, y: x ^ y)):
        operation(f"setp.ge.{word}.s32", ["b32", "b32", "pred"], "pred", lambda a, b, c, t=together: t(int(signed(a) >= signed(b)), 1 - c),
                  [(a, b, i // 2 % 2) for i, (a, b) in enumerate(pairs(S32))], f"a >= b {word} not c", text=f"setp.ge.{word}.s32 d, a, b, !c;")
    for word, function in (("and", lambda p, q: p & q), ("or", lambda p, q: p | q), ("xor", lambda p, q: p ^ q)):
        operation(word + ".pred", ["pred", "pred"], "pred", function, [(0, 0), (0, 1), (1, 0), (1, 1)], "of truths")
    operation("mov.pred", ["pred"], "pred", lambda p: p, [0, 1], "a truth")
    operation("mov.b16", ["b16"], "b16", lambda a: a, [0, 1, 0xFFFF, 0x8000], "a")
    operation("not.pred", ["pred"], "pred", lambda p: 1 - p, [0, 1], "of a truth")


def conversions():
    widths = {"s8": 8, "u8": 8, "s16": 16, "u16": 16, "s32": 32, "u32": 32, "s64": 64, "u64": 64}
    for text in ("s64.s32", "u64.u32", "s32.s64", "u32.u64", "s32.s8", "s32.u8", "u32.u16", "s32.s16", "u64.s32", "s64.u32"):
        to, of = text.split(".")
        inner = widths[of]
        wide = "b64" if inner == 64 else "b32" if inner in (8, 32) else "b16"
        operation("cvt." + text, [wide], f"b{widths[to]}", lambda a, o=of, n=inner: signed(a, n) if o[0] == "s" else a & (1 << n) - 1,
                  S64 if inner == 64 else S32, "extended or cut off")
    operation("cvt.sat.u8.s32", ["b32"], "b32", lambda a: clamp(signed(a), 0, 255), S32, "clamped", text="cvt.sat.u8.s32 d, a;")
    operation("cvt.rn.f32.s32", ["b32"], "f32", lambda a: to_float(Fraction(signed(a))), S32 + [0x01000001, 0x01000003], "the nearest")
    operation("cvt.rn.f32.u32", ["b32"], "f32", lambda a: to_float(Fraction(a)), S32 + [0x01000001, 0xFFFFFF7F, 0xFFFFFF80], "the nearest")
    operation("cvt.rz.f32.u32", ["b32"], "f32", lambda a: to_float(Fraction(a), rounding="z"), S32 + [0x01000003, 0xFFFFFFFF], "towards zero")
    operation("cvt.rn.f32.s64", ["b64"], "f32", lambda a: to_float(Fraction(signed(a, 64))), S64, "the nearest")
    numbers = F32 + [0x40200000, 0x40600000, 0xC0200000, 0x4F000000, 0xCF000000, 0x4F800000, 0x3FC00000, 0xBF7FFFFF]
    roundings = {"i": lambda x: round(x), "z": lambda x: int(x), "m": lambda x: x.numerator // x.denominator, "p": lambda x: -(-x.numerator // x.denominator)}
    for word, rounding in (("rni", "i"), ("rzi", "z"), ("rmi", "m"), ("rpi", "p")):
        for kind, low, high in (("s32", -2**31, 2**31 - 1), ("u32", 0, 2**32 - 1)):
            operation(f"cvt.{word}.{kind}.f32", ["f32"], "b32", lambda a, r=rounding, l=low, h=high: whole(a, roundings[r], l, h), numbers,
                      "rounded to a whole number and clamped; NaN gives 0")
    operation("cvt.rmi.f32.f32", ["f32"], "f32", lambda a: a if value(a) in ("inf", "-inf") else floor(a), [x for x in numbers if value(x) != "nan"], "the floor")
    operation("cvt.f64.f32", ["f32"], "b64", lambda a: to_float(value(a), 64, negative(a)), [x for x in F32 if not is_special(value(x))], "exact")
    wide = [0x3FF0000000000000, 0x400921FB54442D18, 0xBFD5555555555555, 0x47EFFFFFF0000000, 0x36A0000000000000, 0x3690000000000001, 0x3FF0000010000000]
    operation("cvt.rn.f32.f64", ["b64"], "f32", lambda a: to_float(value(a, 64), 32, negative(a, 64)), wide, "the nearest")
    bf16 = lambda x: 0x7FFF if value(x) == "nan" else x >> 16 if is_special(value(x)) else to_float(value(x), 16, negative(x))
    relu = lambda x: 0 if value(x) != "nan" and negative(x) else bf16(x)
    halves = [(a, b) for a, b in pairs(F32 + [0x3F808000, 0x3F818000, 0x3F80FFFF, 0x7F7F8000])]
    operation("cvt.rn.bf16x2.f32", ["f32", "f32"], "b32", lambda a, b: bf16(a) << 16 | bf16(b), halves, "a above b, each the nearest bf16, ties to even")
    operation("cvt.rn.relu.bf16x2.f32", ["f32", "f32"], "b32", lambda a, b: relu(a) << 16 | relu(b), halves, "the same, what is below zero 0; NaN is 0x7FFF")


def whole(bits, rounding, low, high):
    number = value(bits)
    return 0 if number == "nan" else high if number == "inf" else low if number == "-inf" else clamp(rounding(number), low, high)


def floor(bits):
    number = value(bits)
    return to_float(Fraction(number.numerator // number.denominator), 32, negative(bits))


if __name__ == "__main__":
    from collectives import collectives, memory
    float_arithmetic()
    integer_arithmetic()
    comparisons()
    conversions()
    memory()
    collectives()
    for path in glob.glob(os.path.join(HERE, "*.ptx")):
        if os.path.basename(path) not in written:
            os.remove(path)
    print(len(written), "files")
