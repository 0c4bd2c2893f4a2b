"""What make.py writes the .ptx files with: one for each operation, with inputs and the bits that the PTX ISA manual says must come out.

What comes out is computed here with whole numbers and fractions, by the manual's own formulas; neither the PTX machine nor a GPU is asked. A file is a module
whose only kernel every lane of one warp runs, and these lines:

    // in: 32 32             bits of each input; a lane's inputs lie in 64 bits each
    // out: 32               bits of each output
    // error: 2 ulp          only where the manual gives a bound instead of the bits
    // 3F800000 40000000 -> 40400000      one lane; lanes beyond the last line do what the first does
"""
import math
import os
import struct
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
BITS = {"f32": 32, "b32": 32, "s32": 32, "u32": 32, "b64": 64, "s64": 64, "u64": 64, "f64": 64, "b16": 16, "s16": 16, "u16": 16, "pred": 32}
NAN = 0x7FFFFFFF
F32 = [0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x40490FDB, 0x3EAAAAAB, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA00001,
       0x00000001, 0x807FFFFF, 0x00800000, 0x3F800001, 0x4B800000, 0xCB000001, 0x3F000000, 0x33800000, 0x5F000000, 0xC2F6E979, 0x2F800000, 0x7E967699]
S32 = [0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 31, 32, 33, 255, 256, 0x12345678, 0xDEADBEEF, 0xFFFFFF80, 0x00010000, 10, 0xFFFFFFF6]
S64 = [0, 1, 2**64 - 1, 2**63 - 1, 2**63, 0x123456789ABCDEF0, 0xFFFFFFFF, 0x100000000, 7, 2**64 - 7, 0x80000000, 63]


# --- numbers ---------------------------------------------------------------------------------------------------------------------------------

def value(bits, of=32):
    """A float's value: a Fraction, or 'nan', 'inf', '-inf'; zeros are told apart by their bits."""
    exponent_bits, mantissa_bits = {16: (8, 7), 32: (8, 23), 64: (11, 52)}[of]
    sign = -1 if bits >> (of - 1) & 1 else 1
    exponent, mantissa = bits >> mantissa_bits & (1 << exponent_bits) - 1, bits & (1 << mantissa_bits) - 1
    bias = (1 << exponent_bits - 1) - 1
    if exponent == (1 << exponent_bits) - 1:
        return "nan" if mantissa else "inf" if sign > 0 else "-inf"
    scale = Fraction(2) ** (max(exponent, 1) - bias - mantissa_bits)
    return sign * scale * (mantissa + ((1 << mantissa_bits) if exponent else 0))


def to_float(number, of=32, negative_zero=False, rounding="n"):
    """The float nearest to a Fraction, ties to even; or towards zero."""
    exponent_bits, mantissa_bits = {16: (8, 7), 32: (8, 23), 64: (11, 52)}[of]
    bias = (1 << exponent_bits - 1) - 1
    top = 1 << of - 1
    if number == 0:
        return top if negative_zero else 0
    sign, size = (top, -number) if number < 0 else (0, number)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    exponent = max(exponent, 1 - bias)
    scaled = size / Fraction(2) ** (exponent - mantissa_bits)
    whole, rest = scaled.numerator // scaled.denominator, scaled - scaled.numerator // scaled.denominator
    if rounding == "n" and (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole & 1)):
        whole += 1
    bits = whole + ((exponent + bias - 1) << mantissa_bits) if whole >= 1 << mantissa_bits else whole
    return sign | min(bits, ((1 << exponent_bits) - 1) << mantissa_bits)


def is_special(*values):
    return any(isinstance(one, str) for one in values)


def negative(bits, of=32):
    return bits >> of - 1 & 1


def add(a, b, of=32):
    x, y = value(a, of), value(b, of)
    nan = NAN if of == 32 else 0x7FF8000000000000
    if "nan" in (x, y) or (is_special(x) and is_special(y) and x != y):
        return nan
    if is_special(x, y):
        return a if is_special(x) else b
    return to_float(x + y, of, negative(a, of) and negative(b, of))


def multiply_exact(a, b, of=32):
    """Value and sign of a product: a Fraction or a word."""
    x, y = value(a, of), value(b, of)
    sign = negative(a, of) ^ negative(b, of)
    if "nan" in (x, y) or (is_special(x) and y == 0) or (is_special(y) and x == 0):
        return "nan", sign
    if is_special(x, y):
        return "-inf" if sign else "inf", sign
    return x * y, sign


def word(what):
    return {"nan": NAN, "inf": 0x7F800000, "-inf": 0xFF800000}[what]


def multiply(a, b):
    product, sign = multiply_exact(a, b)
    return word(product) if is_special(product) else to_float(product, 32, sign)


def fma(a, b, c):
    product, sign = multiply_exact(a, b)
    z = value(c)
    if "nan" in (product, z) or (is_special(product) and is_special(z) and product != z):
        return NAN
    if is_special(product, z):
        return word(product if is_special(product) else z)
    return to_float(product + z, 32, sign and negative(c))


def divide(a, b):
    x, y = value(a), value(b)
    sign = negative(a) ^ negative(b)
    if "nan" in (x, y) or (is_special(x) and is_special(y)) or (x == 0 and y == 0):
        return NAN
    if is_special(x) or y == 0:
        return 0xFF800000 if sign else 0x7F800000
    if is_special(y):
        return 0x80000000 if sign else 0
    return to_float(x / y, 32, sign)


def square_root(a):
    x = value(a)
    if x == "inf" or x == 0:
        return a
    if is_special(x) or x < 0:
        return NAN
    # The root of the numerator and denominator scaled by 2^400, enough that the rest cannot decide a tie.
    scale = 2 ** 800
    root = math.isqrt(x.numerator * scale // x.denominator)
    exact = Fraction(root, 2 ** 400)
    if root * root * x.denominator != x.numerator * scale:
        exact += Fraction(1, 2 ** 402)
    return to_float(exact)


def order(a, b):
    """-1, 0, 1; None with a NaN."""
    x, y = value(a), value(b)
    if "nan" in (x, y):
        return None
    rank = {"inf": Fraction(2) ** 200, "-inf": -Fraction(2) ** 200}
    x, y = rank.get(x, x) if is_special(x) else x, rank.get(y, y) if is_special(y) else y
    return (x > y) - (x < y)


def least(a, b, sign):
    """min (sign 1) and max (sign -1): NaN beside a number is dropped, -0 is below +0."""
    if value(a) == "nan" or value(b) == "nan":
        return NAN if value(a) == value(b) else b if value(a) == "nan" else a
    found = order(a, b) * sign
    if found == 0:
        found = (negative(b) - negative(a)) * sign
    return a if found <= 0 else b


def signed(number, bits=32):
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number


def clamp(number, low, high):
    return max(low, min(high, number))


def pairs(values):
    """Thirty-two pairs in which every value meets others."""
    count = len(values)
    return [(values[i % count], values[(i * 7 + i // count + 3) % count]) for i in range(32)]


def triples(values):
    count = len(values)
    return [(values[i % count], values[(i * 5 + 2) % count], values[(i * 11 + 7 + i // count) % count]) for i in range(32)]


# --- files -----------------------------------------------------------------------------------------------------------------------------------

written = []


def module(name, note, inputs, outputs, cases, body, error=None, declarations="", version="7.0"):
    """Writes a file whose body reads the 64-bit registers %i0, ... and leaves %o0, ...; %lane is the lane."""
    assert 1 <= len(cases) <= 32, name
    lines = [f"// {note}", "//", "// in: " + " ".join(map(str, inputs)), "// out: " + " ".join(map(str, outputs))]
    if error:
        lines.append("// error: " + error)
    for given, expected in cases:
        words = [f"{one & (1 << bits) - 1:0{bits // 4}X}" for one, bits in zip(given, inputs)]
        answers = [f"{one & (1 << bits) - 1:0{bits // 4}X}" for one, bits in zip(expected, outputs)]
        lines.append("// " + " ".join(words) + " -> " + " ".join(answers))
    lines += [".version " + version, ".target sm_80", ".address_size 64", "", ".visible .entry opcode(", "\t.param .b64 in,", "\t.param .b64 out", ")", "{"]
    if declarations:
        lines.append("\t" + declarations)
    lines += [f"\t.reg .b64 %at, %to, %step, %i<{max(1, len(inputs))}>, %o<{len(outputs)}>;", "\t.reg .b32 %lane, %low;",
              "\tmov.u32 %lane, %tid.x;", "\tld.param.b64 %at, [in];", "\tcvta.to.global.u64 %at, %at;",
              f"\tmul.wide.u32 %step, %lane, {8 * len(inputs)};", "\tadd.u64 %at, %at, %step;", "\tld.param.b64 %to, [out];", "\tcvta.to.global.u64 %to, %to;",
              f"\tmul.wide.u32 %step, %lane, {8 * len(outputs)};", "\tadd.u64 %to, %to, %step;"]
    lines += [f"\tld.global.b64 %i{i}, [%at+{8 * i}];" for i in range(len(inputs))]
    lines += ["", "\t{", *("\t" + line for line in body), "\t}", ""]
    lines += [f"\tst.global.b64 [%to+{8 * i}], %o{i};" for i in range(len(outputs))]
    lines += ["\tret;", "}", ""]
    with open(os.path.join(HERE, name + ".ptx"), "w") as file:
        file.write("\n".join(lines))
    written.append(name + ".ptx")


def take(register, kind, index):
    """Lines that make a typed register of an input."""
    if kind == "pred":
        return [f"setp.ne.u64 {register}, %i{index}, 0;"]
    if BITS[kind] == 64:
        return [f"mov.b64 {register}, %i{index};"]
    if BITS[kind] == 16:
        return [f"cvt.u16.u64 {register}, %i{index};"]
    return [f"cvt.u32.u64 %low, %i{index};", f"mov.b32 {register}, %low;"]


def give(register, kind, index):
    if kind == "pred":
        return [f"selp.b64 %o{index}, 1, 0, {register};"]
    if BITS[kind] == 64:
        return [f"mov.b64 %o{index}, {register};"]
    if BITS[kind] == 16:
        return [f"cvt.u64.u16 %o{index}, {register};"]
    return [f"mov.b32 %low, {register};", f"cvt.u64.u32 %o{index}, %low;"]


def register_kind(kind):
    return kind if kind in ("f32", "f64", "pred") else f"b{BITS[kind]}"


def operation(mnemonic, kinds, result, expected, cases, note, error=None, text=None, name=None, version="7.0"):
    """A file for 'mnemonic d, a, b, ...'."""
    letters = "abcefg"[:len(kinds)]
    body = [f".reg .{register_kind(result)} d;"] + [f".reg .{register_kind(kind)} {letter};" for kind, letter in zip(kinds, letters)]
    for index, (letter, kind) in enumerate(zip(letters, kinds)):
        body += take(letter, kind, index)
    body.append(text or f"{mnemonic} d, {', '.join(letters)};")
    body += give("d", result, 0)
    cases = [one if isinstance(one, tuple) else (one,) for one in cases]
    module(name or mnemonic, note, [BITS[kind] for kind in kinds], [BITS[result]], [(case, (expected(*case),)) for case in cases], body, error, version=version)
