// Floating-point arithmetic (PTX ISA, "Floating Point Instructions"). Results that are NaN are the canonical one, 0x7FFFFFFF. Functions that the manual
// bounds by an error (.approx, .full) are computed in double precision and rounded, which lies within it.
#include "operations.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace ptx {
namespace {

inline uint32_t bits_of(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float float_of(uint32_t bits)
{
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline float canonical(float value) { return value == value ? value : float_of(0x7FFFFFFF); }
inline double canonical(double value) { return value; }

// Subnormal numbers become zeros of their sign.
inline float flush(float value) { return (bits_of(value) & 0x7F800000u) == 0 ? float_of(bits_of(value) & 0x80000000u) : value; }

// To [0, 1]; NaN becomes 0.
inline float saturate(float value) { return value > 0 ? value < 1 ? value : 1.0f : 0.0f; }

struct Add { template <class T> static T of(T a, T b) { return canonical(a + b); } };
struct Subtract { template <class T> static T of(T a, T b) { return canonical(a - b); } };
struct Multiply { template <class T> static T of(T a, T b) { return canonical(a * b); } };
struct Divide { template <class T> static T of(T a, T b) { return canonical(a / b); } };
struct MultiplyAdd
{
    static float of(float a, float b, float c) { return canonical(__builtin_fmaf(a, b, c)); }
    static double of(double a, double b, double c) { return __builtin_fma(a, b, c); }
};

// A NaN beside a number is dropped; -0 is below +0.
struct Minimum
{
    template <class T> static T of(T a, T b)
    {
        T least = a < b ? a : a > b ? b : std::signbit(a) ? a : b;
        return a != a ? canonical(b) : b != b ? a : least;
    }
};

struct Maximum
{
    template <class T> static T of(T a, T b)
    {
        T most = a > b ? a : a < b ? b : std::signbit(a) ? b : a;
        return a != a ? canonical(b) : b != b ? a : most;
    }
};

struct MinimumOrNan { static float of(float a, float b) { return a != a || b != b ? float_of(0x7FFFFFFF) : Minimum::of(a, b); } };
struct MaximumOrNan { static float of(float a, float b) { return a != a || b != b ? float_of(0x7FFFFFFF) : Maximum::of(a, b); } };

// abs and neg: "the payload of a NaN is not kept".
struct Absolute { template <class T> static T of(T a) { return canonical(std::fabs(a)); } };
struct Negate { template <class T> static T of(T a) { return canonical(-a); } };
struct SquareRoot { template <class T> static T of(T a) { return canonical(std::sqrt(a)); } };
struct Reciprocal { template <class T> static T of(T a) { return canonical(1 / a); } };

template <double F(double)> struct Approximate { static float of(float a) { return canonical((float)F((double)a)); } };

double inverse_root(double a) { return a == 0 ? 1 / a : 1 / std::sqrt(a); }
double reciprocal(double a) { return 1 / a; }
double root(double a) { return std::sqrt(a); }
double sine(double a) { return std::sin(a); }
double cosine(double a) { return std::cos(a); }
double logarithm2(double a) { return std::log2(a); }
double power2(double a) { return std::exp2(a); }
double hyperbolic_tangent(double a) { return std::tanh(a); }

struct ApproximateDivide
{
    // "For |b| in [2^126, 2^128] returns 0 for a finite a" is said of .approx alone.
    static float of(float a, float b)
    {
        float size = std::fabs(b);
        bool is_huge = size >= 0x1p126f && size <= std::numeric_limits<float>::max();
        return is_huge ? canonical(std::isinf(a) ? float_of(0x7FFFFFFF) : std::copysign(0.0f, a * (b > 0 ? 1 : -1))) : canonical(a / b);
    }
};

// copysign d, a, b: the sign of a on b.
struct CopySign
{
    static float of(float a, float b) { return float_of((bits_of(a) & 0x80000000u) | (bits_of(b) & 0x7FFFFFFFu)); }
    static double of(double a, double b) { return std::copysign(b, a); }
};

template <class F, bool Flushes, bool Saturates> struct Modified
{
    template <class... A> static float of(A... a)
    {
        float made = Flushes ? flush(F::of(flush(a)...)) : F::of(a...);
        return Saturates ? saturate(made) : made;
    }
};

template <class F, class... A> void add_float(Table &table, const std::string &word, bool saturates)
{
    auto enter = [&](const std::string &modifiers, auto modified) {
        using M = decltype(modified);
        Operation operation{nullptr, Type::F32, {}};
        if constexpr (sizeof...(A) == 1) {
            operation.run = map1<M, float, float>;
        } else if constexpr (sizeof...(A) == 2) {
            operation.run = map2<M, float, float, float>;
        } else {
            operation.run = map3<M, float, float, float, float>;
        }
        operation.sources.assign(sizeof...(A), Type::F32);
        table[word + modifiers + ".f32"] = operation;
    };
    enter("", Modified<F, false, false>());
    enter(".ftz", Modified<F, true, false>());
    if (saturates) {
        enter(".sat", Modified<F, false, true>());
        enter(".ftz.sat", Modified<F, true, true>());
    }
}

template <class F> void add_float1(Table &table, const std::string &word, bool saturates = false) { add_float<F, float>(table, word, saturates); }
template <class F> void add_float2(Table &table, const std::string &word, bool saturates = false) { add_float<F, float, float>(table, word, saturates); }

struct IsFinite { template <class T> static bool of(T a) { return std::isfinite(a); } };
struct IsInfinite { template <class T> static bool of(T a) { return std::isinf(a); } };
struct IsNumber { template <class T> static bool of(T a) { return a == a; } };
struct IsNan { template <class T> static bool of(T a) { return a != a; } };
struct IsNormal { template <class T> static bool of(T a) { return std::isnormal(a); } };
struct IsSubnormal { template <class T> static bool of(T a) { return std::fpclassify(a) == FP_SUBNORMAL; } };

template <class T, class F> void test_property(Warp &warp, const Instruction &one)
{
    const T *a = warp.lanes<T>(one.operand[1]);
    Results<uint32_t>(warp, one).fill([=](int l) { return truth(F::of(a[l])); });
}

template <class T> void add_properties(Table &table, Type type)
{
    const std::pair<const char *, Handler> all[] = {
        {"finite", test_property<T, IsFinite>}, {"infinite", test_property<T, IsInfinite>}, {"number", test_property<T, IsNumber>},
        {"notanumber", test_property<T, IsNan>}, {"normal", test_property<T, IsNormal>},    {"subnormal", test_property<T, IsSubnormal>}};
    for (const auto &[word, run] : all) {
        table[std::string("testp.") + word + "." + name(type)] = {run, Type::Pred, {type}};
    }
}

} // namespace

void add_float_operations(Table &table)
{
    for (const char *rounding : {"", ".rn"}) {
        add_float2<Add>(table, std::string("add") + rounding, true);
        add_float2<Subtract>(table, std::string("sub") + rounding, true);
        add_float2<Multiply>(table, std::string("mul") + rounding, true);
        for (const auto &[word, run] : {std::pair<const char *, Handler>{"add", map2<Add, double, double, double>},
                                        {"sub", map2<Subtract, double, double, double>},
                                        {"mul", map2<Multiply, double, double, double>}}) {
            table[std::string(word) + rounding + ".f64"] = {run, Type::F64, {Type::F64, Type::F64}};
        }
    }
    for (const char *word : {"fma.rn", "mad.rn"}) {
        add_float<MultiplyAdd, float, float, float>(table, word, true);
        add3<MultiplyAdd, double, double, double, double>(table, std::string(word) + ".f64");
    }
    add_float2<Minimum>(table, "min");
    add_float2<Maximum>(table, "max");
    for (const char *flushing : {"", ".ftz"}) {
        table[std::string("min") + flushing + ".NaN.f32"] = {map2<MinimumOrNan, float, float, float>, Type::F32, {Type::F32, Type::F32}};
        table[std::string("max") + flushing + ".NaN.f32"] = {map2<MaximumOrNan, float, float, float>, Type::F32, {Type::F32, Type::F32}};
    }
    table["min.ftz.NaN.f32"].run = map2<Modified<MinimumOrNan, true, false>, float, float, float>;
    table["max.ftz.NaN.f32"].run = map2<Modified<MaximumOrNan, true, false>, float, float, float>;
    add2<Minimum, double, double, double>(table, "min.f64");
    add2<Maximum, double, double, double>(table, "max.f64");
    add_float1<Absolute>(table, "abs");
    add_float1<Negate>(table, "neg");
    add1<Absolute, double, double>(table, "abs.f64");
    add1<Negate, double, double>(table, "neg.f64");
    add_float2<Divide>(table, "div.rn");
    add_float2<Divide>(table, "div.full");
    add_float2<ApproximateDivide>(table, "div.approx");
    add2<Divide, double, double, double>(table, "div.rn.f64");
    add_float1<SquareRoot>(table, "sqrt.rn");
    add_float1<Approximate<root>>(table, "sqrt.approx");
    add1<SquareRoot, double, double>(table, "sqrt.rn.f64");
    add_float1<Reciprocal>(table, "rcp.rn");
    add_float1<Approximate<reciprocal>>(table, "rcp.approx");
    add1<Reciprocal, double, double>(table, "rcp.rn.f64");
    add_float1<Approximate<inverse_root>>(table, "rsqrt.approx");
    add_float1<Approximate<sine>>(table, "sin.approx");
    add_float1<Approximate<cosine>>(table, "cos.approx");
    add_float1<Approximate<logarithm2>>(table, "lg2.approx");
    add_float1<Approximate<power2>>(table, "ex2.approx");
    table["tanh.approx.f32"] = {map1<Approximate<hyperbolic_tangent>, float, float>, Type::F32, {Type::F32}};
    add2<CopySign, float, float, float>(table, "copysign.f32");
    add2<CopySign, double, double, double>(table, "copysign.f64");
    add_properties<float>(table, Type::F32);
    add_properties<double>(table, Type::F64);
}

const Operation *find_operation(const std::string &mnemonic)
{
    static const Table table = [] {
        Table made;
        add_integer_operations(made);
        add_bit_operations(made);
        add_float_operations(made);
        return made;
    }();
    auto found = table.find(mnemonic);
    return found != table.end() ? &found->second : nullptr;
}

} // namespace ptx
