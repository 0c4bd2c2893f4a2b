// Logic, shifts, bit fields, moves and selections (PTX ISA, "Logic and Shift Instructions", "Integer Arithmetic Instructions", "mov", "selp").
#include "operations.h"

namespace ptx {
namespace {

struct And { template <class T> static T of(T a, T b) { return a & b; } };
struct Or { template <class T> static T of(T a, T b) { return a | b; } };
struct Xor { template <class T> static T of(T a, T b) { return a ^ b; } };
template <class T> struct Not { static T of(T a) { return (T)~a; } };
template <class T> struct IsZero { static T of(T a) { return a == 0 ? 1 : 0; } };
template <class T> struct Move { static T of(T a) { return a; } };
template <class F, class T> struct Typed { static T of(T a, T b) { return (T)F::template of<T>(a, b); } };

// Amounts beyond the width act as the width.
template <class T> struct ShiftLeft { static T of(T a, uint32_t b) { return b >= 8 * sizeof(T) ? 0 : (T)((std::make_unsigned_t<T>)a << b); } };
template <class T> struct ShiftRight
{
    static T of(T a, uint32_t b)
    {
        uint32_t width = 8 * sizeof(T);
        return b < width ? (T)(a >> b) : std::is_signed_v<T> ? (T)(a >> (width - 1)) : 0;
    }
};

template <class T> struct CountOnes { static uint32_t of(T a) { return (uint32_t)__builtin_popcountll(a); } };
template <class T> struct LeadingZeros
{
    static uint32_t of(T a) { return a == 0 ? 8 * sizeof(T) : (uint32_t)__builtin_clzll(a) - (64 - 8 * (uint32_t)sizeof(T)); }
};
template <class T> struct Reverse
{
    static T of(T a)
    {
        T turned = 0;
        for (unsigned bit = 0; bit < 8 * sizeof(T); bit++) {
            turned = (T)(turned << 1 | (a >> bit & 1));
        }
        return turned;
    }
};

// bfind: the place of the highest bit that is not the sign; all ones for none.
template <class T> struct HighestBit
{
    static uint32_t of(T a)
    {
        std::make_unsigned_t<T> bits = (std::make_unsigned_t<T>)(std::is_signed_v<T> && a < 0 ? ~a : a);
        return bits == 0 ? ~0u : 63u - (uint32_t)__builtin_clzll(bits);
    }
};

// bfe: bits pos to pos + len - 1, both modulo 256; beyond the top the sign, or zeros.
template <class T> struct ExtractField
{
    static T of(T a, uint32_t b, uint32_t c)
    {
        uint32_t from = b & 255, length = c & 255, width = 8 * sizeof(T);
        bool sign = false;
        if (std::is_signed_v<T> && length > 0) {
            uint32_t last = from + length - 1 < width - 1 ? from + length - 1 : width - 1;
            sign = ((std::make_unsigned_t<T>)a >> last & 1) != 0;
        }
        std::make_unsigned_t<T> made = 0;
        for (uint32_t bit = 0; bit < width; bit++) {
            bool one = bit < length && from + bit < width ? ((std::make_unsigned_t<T>)a >> (from + bit) & 1) != 0 : sign;
            made |= (std::make_unsigned_t<T>)one << bit;
        }
        return (T)made;
    }
};

// bfi: the lower len bits of a in the place of those of b from pos on.
template <class T> void insert_field(Warp &warp, const Instruction &one)
{
    const T *a = warp.lanes<T>(one.operand[1]), *b = warp.lanes<T>(one.operand[2]);
    const uint32_t *c = warp.lanes<uint32_t>(one.operand[3]), *d = warp.lanes<uint32_t>(one.operand[4]);
    Results<T>(warp, one).fill([=](int l) {
        uint32_t at = c[l] & 255, length = d[l] & 255, width = 8 * sizeof(T);
        T made = b[l];
        for (uint32_t bit = 0; bit < length && at + bit < width; bit++) {
            T place = (T)1 << (at + bit);
            made = (a[l] >> bit & 1) != 0 ? made | place : made & ~place;
        }
        return made;
    });
}

// prmt: bytes of b:a by the nibbles of c; the nibble's top bit takes the byte's sign in all its bits.
struct Permute {
    static uint32_t of(uint32_t a, uint32_t b, uint32_t c)
    {
        uint64_t both = (uint64_t)b << 32 | a;
        uint32_t made = 0;
        for (int byte = 0; byte < 4; byte++) {
            uint32_t selector = c >> (4 * byte) & 15, value = (uint32_t)(both >> (8 * (selector & 7))) & 255;
            made |= ((selector & 8) == 0 ? value : (value & 128) != 0 ? 255u : 0u) << (8 * byte);
        }
        return made;
    }
};

// shf: the funnel's amount modulo 32, or at most 32.
template <bool IsLeft, bool IsWrapped> struct Funnel {
    static uint32_t of(uint32_t a, uint32_t b, uint32_t c)
    {
        uint32_t amount = IsWrapped ? c & 31 : c > 32 ? 32 : c;
        uint64_t both = (uint64_t)b << 32 | a;
        return IsLeft ? (uint32_t)(amount == 0 ? b : (both << amount) >> 32) : (uint32_t)(amount == 0 ? a : both >> amount);
    }
};

void logic3(Warp &warp, const Instruction &one)
{
    const uint32_t *a = warp.lanes<uint32_t>(one.operand[1]), *b = warp.lanes<uint32_t>(one.operand[2]), *c = warp.lanes<uint32_t>(one.operand[3]),
                   *table = warp.lanes<uint32_t>(one.operand[4]);
    Results<uint32_t>(warp, one).fill([=](int l) {
        uint32_t made = 0;
        for (int row = 0; row < 8; row++) {
            if (table[l] >> row & 1) {
                made |= ((row & 4) != 0 ? a[l] : ~a[l]) & ((row & 2) != 0 ? b[l] : ~b[l]) & ((row & 1) != 0 ? c[l] : ~c[l]);
            }
        }
        return made;
    });
}

template <class T> void select(Warp &warp, const Instruction &one)
{
    const T *a = warp.lanes<T>(one.operand[1]), *b = warp.lanes<T>(one.operand[2]);
    const uint32_t *p = warp.lanes<uint32_t>(one.operand[3]);
    Results<T>(warp, one).fill([=](int l) { return p[l] != 0 ? a[l] : b[l]; });
}

template <class T> void add_type(Table &table, Type untyped)
{
    std::string type = std::string(".") + name(untyped);
    Operation binary{nullptr, untyped, {untyped, untyped}}, unary{nullptr, untyped, {untyped}};
    auto enter = [&](const std::string &word, Operation operation, Handler run) {
        operation.run = run;
        table[word + type] = operation;
    };
    enter("and", binary, map2<Typed<And, T>, T, T, T>);
    enter("or", binary, map2<Typed<Or, T>, T, T, T>);
    enter("xor", binary, map2<Typed<Xor, T>, T, T, T>);
    enter("not", unary, map1<Not<T>, T, T>);
    if (untyped == Type::Pred) {
        return;
    }
    enter("cnot", unary, map1<IsZero<T>, T, T>);
    enter("shl", {nullptr, untyped, {untyped, Type::U32}}, map2<ShiftLeft<T>, T, T, uint32_t>);
    enter("shr", {nullptr, untyped, {untyped, Type::U32}}, map2<ShiftRight<T>, T, T, uint32_t>);
    using S = std::make_signed_t<T>;
    table[std::string("shr.") + name(type_of<T>())] = {map2<ShiftRight<T>, T, T, uint32_t>, type_of<T>(), {type_of<T>(), Type::U32}};
    table[std::string("shr.") + name(type_of<S>())] = {map2<ShiftRight<S>, S, S, uint32_t>, type_of<S>(), {type_of<S>(), Type::U32}};
}

template <class T> void add_counts(Table &table, Type untyped)
{
    using S = std::make_signed_t<T>;
    std::string type = std::string(".") + name(untyped), plain = std::string(".") + name(type_of<T>()), minus = std::string(".") + name(type_of<S>());
    table["popc" + type] = {map1<CountOnes<T>, uint32_t, T>, Type::U32, {untyped}};
    table["clz" + type] = {map1<LeadingZeros<T>, uint32_t, T>, Type::U32, {untyped}};
    table["brev" + type] = {map1<Reverse<T>, T, T>, untyped, {untyped}};
    table["bfi" + type] = {insert_field<T>, untyped, {untyped, untyped, Type::U32, Type::U32}};
    table["bfind" + plain] = {map1<HighestBit<T>, uint32_t, T>, Type::U32, {type_of<T>()}};
    table["bfind" + minus] = {map1<HighestBit<S>, uint32_t, S>, Type::U32, {type_of<S>()}};
    table["bfe" + plain] = {map3<ExtractField<T>, T, T, uint32_t, uint32_t>, type_of<T>(), {type_of<T>(), Type::U32, Type::U32}};
    table["bfe" + minus] = {map3<ExtractField<S>, S, S, uint32_t, uint32_t>, type_of<S>(), {type_of<S>(), Type::U32, Type::U32}};
}

} // namespace

void add_bit_operations(Table &table)
{
    add_type<uint32_t>(table, Type::Pred);
    add_type<uint16_t>(table, Type::B16);
    add_type<uint32_t>(table, Type::B32);
    add_type<uint64_t>(table, Type::B64);
    add_counts<uint32_t>(table, Type::B32);
    add_counts<uint64_t>(table, Type::B64);
    for (Type type : {Type::B16, Type::U16, Type::S16, Type::B32, Type::U32, Type::S32, Type::F32, Type::B64, Type::U64, Type::S64, Type::F64, Type::Pred}) {
        std::string suffix = std::string(".") + name(type);
        bool is_wide = bytes(type) == 8;
        table["mov" + suffix] = {is_wide ? map1<Move<uint64_t>, uint64_t, uint64_t> : map1<Move<uint32_t>, uint32_t, uint32_t>, type, {type}};
        if (type != Type::Pred) {
            table["selp" + suffix] = {is_wide ? select<uint64_t> : select<uint32_t>, type, {type, type, Type::Pred}};
        }
    }
    add3<Permute, uint32_t, uint32_t, uint32_t, uint32_t>(table, "prmt.b32");
    add3<Funnel<true, true>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "shf.l.wrap.b32");
    add3<Funnel<true, false>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "shf.l.clamp.b32");
    add3<Funnel<false, true>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "shf.r.wrap.b32");
    add3<Funnel<false, false>, uint32_t, uint32_t, uint32_t, uint32_t>(table, "shf.r.clamp.b32");
    table["lop3.b32"] = {logic3, Type::B32, {Type::B32, Type::B32, Type::B32, Type::B32}};
}

} // namespace ptx
