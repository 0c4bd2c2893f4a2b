// Integer arithmetic and comparisons (PTX ISA, "Integer Arithmetic Instructions", "Comparison and Selection Instructions").
#include "operations.h"

#include <limits>

namespace ptx {
namespace {

template <class T> using Unsigned = std::make_unsigned_t<T>;
template <class T> struct Twice;
template <> struct Twice<uint16_t> { using type = uint32_t; };
template <> struct Twice<int16_t> { using type = int32_t; };
template <> struct Twice<uint32_t> { using type = uint64_t; };
template <> struct Twice<int32_t> { using type = int64_t; };
template <> struct Twice<uint64_t> { using type = unsigned __int128; };
template <> struct Twice<int64_t> { using type = __int128; };
template <class T> using Wide = typename Twice<T>::type;

// All arithmetic wraps around.
template <class T> struct Add { static T of(T a, T b) { return (T)((Unsigned<T>)a + (Unsigned<T>)b); } };
template <class T> struct Subtract { static T of(T a, T b) { return (T)((Unsigned<T>)a - (Unsigned<T>)b); } };
template <class T> struct MultiplyLow { static T of(T a, T b) { return (T)((uint64_t)(Unsigned<T>)a * (uint64_t)(Unsigned<T>)b); } };
template <class T> struct MultiplyHigh { static T of(T a, T b) { return (T)((Wide<T>)a * (Wide<T>)b >> (8 * sizeof(T))); } };
template <class T> struct MultiplyWide { static Wide<T> of(T a, T b) { return (Wide<T>)a * (Wide<T>)b; } };

template <class T> struct MultiplyAddLow { static T of(T a, T b, T c) { return Add<T>::of(MultiplyLow<T>::of(a, b), c); } };
template <class T> struct MultiplyAddHigh { static T of(T a, T b, T c) { return Add<T>::of(MultiplyHigh<T>::of(a, b), c); } };
template <class T> struct MultiplyAddWide
{
    static Wide<T> of(T a, T b, Wide<T> c) { return Add<Wide<T>>::of(MultiplyWide<T>::of(a, b), c); }
};

template <class T> struct Minimum { static T of(T a, T b) { return a < b ? a : b; } };
template <class T> struct Maximum { static T of(T a, T b) { return a > b ? a : b; } };
template <class T> struct Negate { static T of(T a) { return (T)(0 - (Unsigned<T>)a); } };
template <class T> struct Absolute { static T of(T a) { return a < 0 ? (T)(0 - (Unsigned<T>)a) : a; } };

struct AddSaturated {
    static int32_t of(int32_t a, int32_t b)
    {
        int64_t sum = (int64_t)a + b;
        return (int32_t)(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
    }
};

struct SubtractSaturated {
    static int32_t of(int32_t a, int32_t b)
    {
        int64_t difference = (int64_t)a - b;
        return (int32_t)(difference > INT32_MAX ? INT32_MAX : difference < INT32_MIN ? INT32_MIN : difference);
    }
};

// By zero "yields an unspecified, machine-specific value".
template <class T, bool IsRemainder> void divide(Warp &warp, const Instruction &one)
{
    Lane<T> *d = warp.lanes<Lane<T>>(one.operand[0]);
    const Lane<T> *a = warp.lanes<Lane<T>>(one.operand[1]), *b = warp.lanes<Lane<T>>(one.operand[2]);
    for_active(warp, [=](int l) {
        T left = get<T>(a[l]), right = get<T>(b[l]);
        if (right == 0) {
            throw Fault("division-by-zero", "lane " + std::to_string(l) + " divides " + std::to_string(left) + " by zero");
        }
        bool overflows = std::is_signed_v<T> && right == (T)-1;
        d[l] = put<T>(IsRemainder ? overflows ? (T)0 : (T)(left % right) : overflows ? Negate<T>::of(left) : (T)(left / right));
    });
}

template <class T> void add_type(Table &table)
{
    std::string type = std::string(".") + name(type_of<T>());
    add2<Add<T>, T, T, T>(table, "add" + type);
    add2<Subtract<T>, T, T, T>(table, "sub" + type);
    add2<MultiplyLow<T>, T, T, T>(table, "mul.lo" + type);
    add2<MultiplyHigh<T>, T, T, T>(table, "mul.hi" + type);
    add3<MultiplyAddLow<T>, T, T, T, T>(table, "mad.lo" + type);
    add3<MultiplyAddHigh<T>, T, T, T, T>(table, "mad.hi" + type);
    if constexpr (sizeof(T) < 8) {
        add2<MultiplyWide<T>, Wide<T>, T, T>(table, "mul.wide" + type);
        add3<MultiplyAddWide<T>, Wide<T>, T, T, Wide<T>>(table, "mad.wide" + type);
    }
    table["div" + type] = {divide<T, false>, type_of<T>(), {type_of<T>(), type_of<T>()}};
    table["rem" + type] = {divide<T, true>, type_of<T>(), {type_of<T>(), type_of<T>()}};
    add2<Minimum<T>, T, T, T>(table, "min" + type);
    add2<Maximum<T>, T, T, T>(table, "max" + type);
    if constexpr (std::is_signed_v<T>) {
        add1<Negate<T>, T, T>(table, "neg" + type);
        add1<Absolute<T>, T, T>(table, "abs" + type);
    }
}

// setp{.relation}{.and|.or|.xor}.type p[|q], a, b[, [!]c]: p = relation op c, q = !relation op c.
template <class T, class F> void compare(Warp &warp, const Instruction &one)
{
    bool is_pair = one.destinations == 2;
    const Lane<T> *a = warp.lanes<Lane<T>>(one.operand[one.destinations]), *b = warp.lanes<Lane<T>>(one.operand[one.destinations + 1]);
    alignas(64) uint32_t found[32];
#pragma GCC ivdep
    for (int l = 0; l < 32; l++) {
        found[l] = truth(F::of(get<T>(a[l]), get<T>(b[l])));
    }
    uint32_t flip = (one.mode & 4) != 0 ? ~0u : 0u;
    const uint32_t *c = one.sources == 3 ? warp.lanes<uint32_t>(one.operand[one.destinations + 2]) : found;
    for (int output = 0; output < (is_pair ? 2 : 1); output++) {
        uint32_t *p = warp.lanes<uint32_t>(one.operand[output]), invert = output == 1 ? ~0u : 0u;
        for (int l = 0; l < 32; l++) {
            uint32_t relation = found[l] ^ invert, other = c[l] ^ flip;
            uint32_t value = (one.mode & 3) == 1 ? relation & other : (one.mode & 3) == 2 ? relation | other
                             : (one.mode & 3) == 3 ? relation ^ other : relation;
            p[l] = warp.mask[l] ? value : p[l];
        }
    }
}

struct Equal { template <class T> static bool of(T a, T b) { return a == b; } };
struct Less { template <class T> static bool of(T a, T b) { return a < b; } };
struct LessEqual { template <class T> static bool of(T a, T b) { return a <= b; } };
struct Greater { template <class T> static bool of(T a, T b) { return a > b; } };
struct GreaterEqual { template <class T> static bool of(T a, T b) { return a >= b; } };
struct Unequal { template <class T> static bool of(T a, T b) { return a != b; } };

// Of floats: ordered relations are false with a NaN (also ne), unordered ones true.
struct OrderedUnequal { template <class T> static bool of(T a, T b) { return a < b || a > b; } };
struct EqualOrNot { template <class T> static bool of(T a, T b) { return !(a < b || a > b); } };
struct LessOrNot { template <class T> static bool of(T a, T b) { return !(a >= b); } };
struct LessEqualOrNot { template <class T> static bool of(T a, T b) { return !(a > b); } };
struct GreaterOrNot { template <class T> static bool of(T a, T b) { return !(a <= b); } };
struct GreaterEqualOrNot { template <class T> static bool of(T a, T b) { return !(a < b); } };
struct AreNumbers { template <class T> static bool of(T a, T b) { return a == a && b == b; } };
struct IsOneNan { template <class T> static bool of(T a, T b) { return a != a || b != b; } };

template <class T> Handler find_relation(const std::string &word)
{
    static const std::unordered_map<std::string, Handler> all = {
        {"eq", compare<T, Equal>}, {"lt", compare<T, Less>}, {"le", compare<T, LessEqual>}, {"gt", compare<T, Greater>}, {"ge", compare<T, GreaterEqual>}};
    static const std::unordered_map<std::string, Handler> floats = {
        {"ne", compare<T, OrderedUnequal>},     {"equ", compare<T, EqualOrNot>},    {"neu", compare<T, Unequal>},
        {"ltu", compare<T, LessOrNot>},         {"leu", compare<T, LessEqualOrNot>}, {"gtu", compare<T, GreaterOrNot>},
        {"geu", compare<T, GreaterEqualOrNot>}, {"num", compare<T, AreNumbers>},    {"nan", compare<T, IsOneNan>}};
    static const std::unordered_map<std::string, Handler> integers = {{"ne", compare<T, Unequal>}};
    static const std::unordered_map<std::string, Handler> naturals = {
        {"lo", compare<T, Less>}, {"ls", compare<T, LessEqual>}, {"hi", compare<T, Greater>}, {"hs", compare<T, GreaterEqual>}};
    const auto &kind = std::is_floating_point_v<T> ? floats : integers;
    for (const auto *table : {&all, &kind, std::is_unsigned_v<T> ? &naturals : &kind}) {
        auto found = table->find(word);
        if (found != table->end()) {
            return found->second;
        }
    }
    return nullptr;
}

} // namespace

void add_integer_operations(Table &table)
{
    add_type<uint16_t>(table);
    add_type<int16_t>(table);
    add_type<uint32_t>(table);
    add_type<int32_t>(table);
    add_type<uint64_t>(table);
    add_type<int64_t>(table);
    add2<AddSaturated, int32_t, int32_t, int32_t>(table, "add.sat.s32");
    add2<SubtractSaturated, int32_t, int32_t, int32_t>(table, "sub.sat.s32");
}

Handler find_comparison(const std::string &relation, Type type)
{
    switch (type) {
    case Type::B16: return relation == "eq" || relation == "ne" ? find_relation<uint16_t>(relation) : nullptr;
    case Type::B32: return relation == "eq" || relation == "ne" ? find_relation<uint32_t>(relation) : nullptr;
    case Type::B64: return relation == "eq" || relation == "ne" ? find_relation<uint64_t>(relation) : nullptr;
    case Type::U16: return find_relation<uint16_t>(relation);
    case Type::S16: return find_relation<int16_t>(relation);
    case Type::U32: return find_relation<uint32_t>(relation);
    case Type::S32: return find_relation<int32_t>(relation);
    case Type::U64: return find_relation<uint64_t>(relation);
    case Type::S64: return find_relation<int64_t>(relation);
    case Type::F32: return find_relation<float>(relation);
    case Type::F64: return find_relation<double>(relation);
    default: return nullptr;
    }
}

} // namespace ptx
