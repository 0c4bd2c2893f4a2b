"""The operations that have addresses, and those that the lanes of a warp do together: bodies of their own."""
import random
from fractions import Fraction

from writer import S32, S64, module, signed, to_float, value

ALL = list(range(32))


def memory():
    words = [S32[i % 16] ^ i << 8 for i in ALL]
    longs = [S64[i % 12] ^ i << 8 for i in ALL]

    # Through shared memory, to the neighbour.
    for bits, kinds in ((32, ("b32", "f32")), (64, ("b64",))):
        for kind in kinds:
            given = words if bits == 32 else longs
            register = ".reg .f32 a, d;" if kind == "f32" else f".reg .b{bits} a, d;"
            move = ["mov.b64 a, %i0;"] if bits == 64 else ["cvt.u32.u64 %low, %i0;", "mov.b32 a, %low;"]
            back = ["mov.b64 %o0, d;"] if bits == 64 else ["mov.b32 %low, d;", "cvt.u64.u32 %o0, %low;"]
            body = [".reg .b64 s, p, q;", ".reg .b32 n;", register, "mov.b64 s, buffer;", f"mad.wide.u32 p, %lane, {bits // 8}, s;", *move,
                    f"st.shared.{kind} [p], a;", "bar.sync 0;", "xor.b32 n, %lane, 1;", f"mad.wide.u32 q, n, {bits // 8}, s;", f"ld.shared.{kind} d, [q];", *back]
            module(f"shared.{kind}", "st.shared, bar.sync and ld.shared: the neighbour's number", [bits], [bits],
                   [((given[i],), (given[i ^ 1],)) for i in ALL], body, declarations=".shared .align 8 .b8 buffer[256];")
    for count in (2, 4):
        names = "abcd"[:count]
        body = [".reg .b64 s, p;", f".reg .b32 {', '.join(names)};", "mov.b64 s, buffer;", f"mad.wide.u32 p, %lane, {4 * count}, s;"]
        for i, name in enumerate(names):
            body.append(f"cvt.u32.u64 {name}, %i{i};")
        turned = names[1:] + names[0]
        body += [f"st.shared.v{count}.b32 [p], {{{', '.join(names)}}};", f"ld.shared.v{count}.b32 {{{', '.join(turned)}}}, [p];"]
        body += [f"cvt.u64.u32 %o{i}, {name};" for i, name in enumerate(names)]
        given = [[words[(i + 5 * j) % 32] for j in range(count)] for i in ALL]
        module(f"shared.v{count}.b32", "a vector: its first element lies lowest", [32] * count, [32] * count,
               [(tuple(one), tuple(one[-1:] + one[:-1])) for one in given], body, declarations=f".shared .align {4 * count} .b8 buffer[{128 * count}];")
    # A part of the output stands in for global memory: its eight bytes are written in parts and read back.
    module("global.v2.b32", "st.global and ld.global of two words", [32, 32], [64], [((words[i], words[i - 1]), (words[i - 1] << 32 | words[i],)) for i in ALL],
           [".reg .b32 a, b;", "cvt.u32.u64 a, %i0;", "cvt.u32.u64 b, %i1;", "st.global.v2.b32 [%to], {a, b};", "ld.global.v2.b32 {b, a}, [%to];",
            "st.global.b32 [%to+4], a;", "st.global.b32 [%to], b;", "ld.global.b64 %o0, [%to];"])
    for kind, extend in (("u8", lambda x: x & 255), ("s8", lambda x: signed(x, 8)), ("u16", lambda x: x & 65535), ("s16", lambda x: signed(x, 16))):
        register = "b16" if kind[1:] == "8" else "b32"
        body = [f".reg .{register} d;", "st.global.b64 [%to], %i0;", f"ld.global.{kind} d, [%to];",
                f"cvt.{kind[0]}64.{kind[0]}{register[1:]} %o0, d;"]
        module(f"ld.global.{kind}", "a narrow load, extended to its register", [64], [64], [((longs[i],), (extend(longs[i]),)) for i in ALL], body)
    module("cvta.shared", "to a generic address and back; a generic store is seen by a shared load", [32], [32], [((one,), (one,)) for one in words],
           [".reg .b64 s, p, g, t;", ".reg .b32 a;", "mov.b64 s, buffer;", "mad.wide.u32 p, %lane, 4, s;", "cvta.shared.u64 g, p;", "cvt.u32.u64 a, %i0;",
            "st.b32 [g], a;", "cvta.to.shared.u64 t, g;", "ld.shared.b32 a, [t];", "cvt.u64.u32 %o0, a;"], declarations=".shared .align 4 .b8 buffer[128];")
    module("cp.async.cg.shared.global", "16 bytes, awaited by wait_all; and by commit_group and wait_group", [64, 64], [64, 64],
           [((longs[i], longs[i - 1]), (longs[i - 1], longs[i])) for i in ALL],
           [".reg .b64 s, p, q;", "mov.b64 s, buffer;", "mad.wide.u32 p, %lane, 32, s;", "add.u64 q, p, 16;",
            "cp.async.cg.shared.global [p], [%at], 16;", "cp.async.wait_all;", "ld.shared.b64 %o1, [p];",
            "cp.async.cg.shared.global [q], [%at], 16;", "cp.async.commit_group;", "cp.async.wait_group 0;", "ld.shared.b64 %o0, [q+8];"],
           declarations=".shared .align 16 .b8 buffer[1024];")
    atomics = {"add.u32": lambda old, b: old + b, "min.s32": lambda old, b: min(signed(old), signed(b)), "max.u32": max, "and.b32": lambda old, b: old & b,
               "or.b32": lambda old, b: old | b, "xor.b32": lambda old, b: old ^ b, "exch.b32": lambda old, b: b}
    for word, function in atomics.items():
        module(f"atom.global.{word}", "the old number comes back, the new one stays", [32, 32], [32, 32],
               [((words[i], words[(3 * i + 1) % 32]), (words[i], function(words[i], words[(3 * i + 1) % 32]))) for i in ALL],
               [".reg .b32 a, b, d;", "cvt.u32.u64 a, %i0;", "cvt.u32.u64 b, %i1;", "st.global.b32 [%to+8], a;", f"atom.global.{word} d, [%to+8], b;",
                "cvt.u64.u32 %o0, d;", "ld.global.b32 d, [%to+8];", "cvt.u64.u32 %o1, d;"])
    module("atom.global.cas.b32", "exchanged where it is what was expected", [32, 32, 32], [32, 32],
           [((words[i], words[i] if i % 2 else 77, i), (words[i], i if i % 2 or words[i] == 77 else words[i])) for i in ALL],
           [".reg .b32 a, b, c, d;", "cvt.u32.u64 a, %i0;", "cvt.u32.u64 b, %i1;", "cvt.u32.u64 c, %i2;", "st.global.b32 [%to+8], a;",
            "atom.global.cas.b32 d, [%to+8], b, c;", "cvt.u64.u32 %o0, d;", "ld.global.b32 d, [%to+8];", "cvt.u64.u32 %o1, d;"])
    module("red.shared.add.u32", "all lanes add to one place", [32], [32], [((i * i,), (sum(j * j for j in ALL),)) for i in ALL],
           [".reg .b64 s;", ".reg .b32 a, z;", ".reg .pred p;", "mov.b64 s, total;", "mov.b32 z, 0;", "setp.eq.s32 p, %lane, 0;", "@p st.shared.b32 [s], z;",
            "bar.sync 0;", "cvt.u32.u64 a, %i0;", "red.shared.add.u32 [s], a;", "bar.sync 0;", "ld.shared.b32 a, [s];", "cvt.u64.u32 %o0, a;"],
           declarations=".shared .align 4 .b8 total[4];")


def shuffled(mode, a, lane, b, c):
    b, segment, bound = b & 31, c >> 8 & 31, c & 31
    most, first = lane & segment | bound & ~segment, lane & segment
    source = {"up": lane - b, "down": lane + b, "bfly": lane ^ b, "idx": first | b & ~segment}[mode]
    inside = source >= most if mode == "up" else source <= most
    return a[source if inside else lane], int(inside)


def collectives():
    words = [S32[i % 16] ^ i << 16 for i in ALL]
    for mode in ("up", "down", "bfly", "idx"):
        for name, bound in (("", 0 if mode == "up" else 31), ("-in-eights", 0x1800 if mode == "up" else 0x1807)):
            amounts = {"up": 3, "down": 5, "bfly": 6}.get(mode)
            given = [(words[i], amounts if amounts is not None else (7 * i + 2) % 32) for i in ALL]
            body = [".reg .b32 a, b, d;", ".reg .pred p;", "cvt.u32.u64 a, %i0;", "cvt.u32.u64 b, %i1;", f"shfl.sync.{mode}.b32 d|p, a, b, {bound}, 0xFFFFFFFF;",
                    "cvt.u64.u32 %o0, d;", "selp.b64 %o1, 1, 0, p;"]
            module(f"shfl.sync.{mode}{name}", "another lane's number, and whether there is such a lane", [32, 32], [32, 32],
                   [(given[i], shuffled(mode, words, i, given[i][1], bound)) for i in ALL], body)
    votes = [int(i % 5 == 1) for i in ALL]
    body = [".reg .b32 d;", ".reg .pred p, q;", "setp.ne.u64 p, %i0, 0;", "vote.sync.ballot.b32 d, p, 0xFFFFFFFF;", "cvt.u64.u32 %o0, d;"]
    for i, mode in enumerate(("all", "any", "uni"), 1):
        body += [f"vote.sync.{mode}.pred q, p, 0xFFFFFFFF;", f"selp.b64 %o{i}, 1, 0, q;"]
    module("vote.sync", "ballot, all, any, uni", [32], [32] * 4, [((one,), (sum(v << i for i, v in enumerate(votes)), 0, 1, 0)) for one in votes], body)
    module("vote.sync-of-none", "where no lane votes", [32], [32] * 4, [((0,), (0, 0, 0, 1)) for _ in ALL], body)
    module("activemask.b32", "the lanes that are here", [32], [32], [((i,), (0x000FFFFF if i < 20 else 0,)) for i in ALL],
           [".reg .b32 d;", ".reg .pred p;", "mov.b32 d, 0;", "setp.ge.u64 p, %i0, 20;", "@p bra OUT;", "activemask.b32 d;", "OUT:", "cvt.u64.u32 %o0, d;"])
    module("special-registers", "%tid, %ntid, %ctaid, %nctaid, %laneid", [32], [32] * 4, [((0,), (i, 32, 0, 1)) for i in ALL],
           [".reg .b32 a;", "mov.b32 a, %laneid;", "cvt.u64.u32 %o0, a;", "mov.b32 a, %ntid.x;", "cvt.u64.u32 %o1, a;", "mov.b32 a, %ctaid.x;",
            "cvt.u64.u32 %o2, a;", "mov.b32 a, %nctaid.x;", "cvt.u64.u32 %o3, a;"])
    module("bra", "lanes part, go round a loop as often as each must, and meet again", [32], [32], [((i % 7,), (sum(range(i % 7)) + 100 * (i % 2),)) for i in ALL],
           [".reg .b32 n, i, sum, odd;", ".reg .pred p;", "cvt.u32.u64 n, %i0;", "mov.b32 i, 0;", "mov.b32 sum, 0;", "LOOP:", "setp.ge.s32 p, i, n;", "@p bra END;",
            "add.s32 sum, sum, i;", "add.s32 i, i, 1;", "bra.uni LOOP;", "END:", "and.b32 odd, %lane, 1;", "setp.eq.s32 p, odd, 0;", "@p bra EVEN;",
            "add.s32 sum, sum, 100;", "EVEN:", "cvt.u64.u32 %o0, sum;"])
    module("brx.idx", "a way for each number", [32], [32], [((i % 3,), ([70, 80, 90][i % 3],)) for i in ALL],
           [".reg .b32 n, d;", "cvt.u32.u64 n, %i0;", "WAYS:", ".branchtargets A, B, C;", "brx.idx n, WAYS;", "A:", "mov.b32 d, 70;", "bra.uni END;", "B:",
            "mov.b32 d, 80;", "bra.uni END;", "C:", "mov.b32 d, 90;", "END:", "cvt.u64.u32 %o0, d;"])
    module("mov.b64-vector", "two words to one and back", [32, 32], [64, 32, 32],
           [((words[i], words[i - 3]), (words[i - 3] << 32 | words[i], words[i - 3], words[i])) for i in ALL],
           [".reg .b32 a, b, c, d;", "cvt.u32.u64 a, %i0;", "cvt.u32.u64 b, %i1;", "mov.b64 %o0, {a, b};", "mov.b64 {c, d}, %o0;", "cvt.u64.u32 %o1, d;",
            "cvt.u64.u32 %o2, c;"])
    matrices()


def matrices():
    # Small whole numbers and halves: sums that fp32 holds exactly, in any order.
    random.seed(7)
    left = [[Fraction(random.randint(-32, 32), 4) for _ in range(16)] for _ in range(16)]
    right = [[Fraction(random.randint(-32, 32), 4) for _ in range(8)] for _ in range(16)]
    sums = [[Fraction(random.randint(-4096, 4096), 16) for _ in range(8)] for _ in range(16)]
    product = [[sums[r][c] + sum(left[r][k] * right[k][c] for k in range(16)) for c in range(8)] for r in range(16)]
    bf16, cases = lambda number: to_float(number, 16), []
    for lane in ALL:
        group, thread = lane >> 2, lane % 4
        a = []
        for i in range(8):
            row, column = group if i in (0, 1, 4, 5) else group + 8, 2 * thread + (i & 1) + (8 if i >= 4 else 0)
            a.append(bf16(left[row][column]))
        b = [bf16(right[2 * thread + (i & 1) + (8 if i >= 2 else 0)][group]) for i in range(4)]
        places = [(group if i < 2 else group + 8, 2 * thread + (i & 1)) for i in range(4)]
        pack = lambda halves: [halves[i] | halves[i + 1] << 16 for i in range(0, len(halves), 2)]
        cases.append((tuple(pack(a) + pack(b) + [to_float(sums[r][c]) for r, c in places]), tuple(to_float(product[r][c]) for r, c in places)))
    body = [".reg .b32 a<4>, b<2>;", ".reg .f32 c<4>, d<4>;"]
    body += [f"cvt.u32.u64 a{i}, %i{i};" for i in range(4)] + [f"cvt.u32.u64 b{i}, %i{4 + i};" for i in range(2)]
    for i in range(4):
        body += [f"cvt.u32.u64 %low, %i{6 + i};", f"mov.b32 c{i}, %low;"]
    body.append("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {d0, d1, d2, d3}, {a0, a1, a2, a3}, {b0, b1}, {c0, c1, c2, c3};")
    for i in range(4):
        body += [f"mov.b32 %low, d{i};", f"cvt.u64.u32 %o{i}, %low;"]
    module("mma.sync.m16n8k16.bf16", "D = A B + C of numbers whose sums are exact", [32] * 10, [32] * 4, cases, body)

    for suffix, turned in (("", False), (".trans", True)):
        rows = [[[matrix << 12 | row << 4 | column for column in range(8)] for row in range(8)] for matrix in range(4)]
        given = [rows[lane // 8][lane % 8] for lane in ALL]
        expected = []
        for lane in ALL:
            row, column = lane // 4, 2 * (lane % 4)
            expected.append(tuple((m[column][row] | m[column + 1][row] << 16) if turned else (m[row][column] | m[row][column + 1] << 16) for m in rows))
        pack = lambda numbers: tuple(sum(numbers[4 * half + i] << 16 * i for i in range(4)) for half in range(2))
        body = [".reg .b64 s, p;", ".reg .b32 d<4>;", "mov.b64 s, buffer;", "mad.wide.u32 p, %lane, 16, s;", "st.shared.b64 [p], %i0;", "st.shared.b64 [p+8], %i1;",
                "bar.sync 0;", f"ldmatrix.sync.aligned.m8n8.x4{suffix}.shared.b16 {{d0, d1, d2, d3}}, [p];"]
        body += [f"cvt.u64.u32 %o{i}, d{i};" for i in range(4)]
        module(f"ldmatrix.x4{suffix}", "lane 8 m + r has the address of row r of matrix m", [64, 64], [32] * 4,
               [(pack(given[lane]), expected[lane]) for lane in ALL], body, declarations=".shared .align 16 .b8 buffer[512];")
