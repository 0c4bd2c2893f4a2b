// cvt (PTX ISA, "cvt"): between any two number types. What is out of range of an integer type is clamped to it where the source is a float, wraps around
// where it is an integer, and is clamped with .sat.
#include "operations.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace ptx {
namespace {

enum Mode : uint8_t { Nearest, Zero, Down, Up, RoundingMask = 3, Saturate = 4, Flush = 8, Relu = 16, Integer = 32 };


double rounded(double value, int mode)
{
    switch (mode & RoundingMask) {
    case Nearest: return std::nearbyint(value);
    case Zero: return std::trunc(value);
    case Down: return std::floor(value);
    default: return std::ceil(value);
    }
}

template <class T> T to_integer(double value, int mode, bool from_f64)
{
    if (value != value) {
        // "Zero if the source is not .f64 and the destination neither .s64 nor .u64, otherwise 1 << (width - 1)."
        bool is_zero = !from_f64 && sizeof(T) < 8;
        return is_zero ? (T)0 : (T)((std::make_unsigned_t<T>)1 << (8 * sizeof(T) - 1));
    }
    value = rounded(value, mode);
    double below = std::ldexp(1.0, 8 * sizeof(T) - (std::is_signed_v<T> ? 1 : 0)); // the first number that is too large
    return value >= below ? std::numeric_limits<T>::max() : value < (double)std::numeric_limits<T>::min() ? std::numeric_limits<T>::min() : (T)value;
}

// The float of a number in the direction asked for; exact is what it must be on either side of.
template <class R, class A> R to_float(A value, int mode)
{
    R made = (R)value;
    if ((mode & RoundingMask) == Nearest) {
        return made;
    }
    // Integers of 64 bits and doubles fit a long double of 64 bits of mantissa.
    long double exact = (long double)value, found = (long double)made;
    bool up = (mode & RoundingMask) == Up || ((mode & RoundingMask) == Zero && exact < 0);
    if (up && found < exact) {
        made = std::nextafter(made, std::numeric_limits<R>::infinity());
    } else if (!up && found > exact) {
        made = std::nextafter(made, -std::numeric_limits<R>::infinity());
    }
    return made;
}

template <class R, class A> R convert(A value, int mode)
{
    if constexpr (std::is_floating_point_v<A>) {
        if constexpr (sizeof(A) == 4) {
            value = (mode & Flush) != 0 && std::fpclassify(value) == FP_SUBNORMAL ? std::copysign((A)0, value) : value;
        }
        if constexpr (std::is_integral_v<R>) {
            return to_integer<R>((double)value, mode, sizeof(A) == 8);
        } else {
            R made;
            if (value != value) {
                made = std::numeric_limits<R>::quiet_NaN();
                uint32_t bits = 0x7FFFFFFF;
                if (sizeof(R) == 4) {
                    std::memcpy(&made, &bits, sizeof bits);
                }
            } else {
                made = (mode & Integer) != 0 ? (R)rounded((double)value, mode) : sizeof(R) < sizeof(A) ? to_float<R>(value, mode) : (R)value;
            }
            if (sizeof(R) == 4 && (mode & Flush) != 0 && std::fpclassify(made) == FP_SUBNORMAL) {
                made = std::copysign((R)0, made);
            }
            return (mode & Saturate) == 0 ? made : made > 0 ? made < 1 ? made : (R)1 : (R)0;
        }
    } else if constexpr (std::is_floating_point_v<R>) {
        R made = to_float<R>(value, mode);
        return (mode & Saturate) == 0 ? made : made > 0 ? made < 1 ? made : (R)1 : (R)0;
    } else {
        if ((mode & Saturate) != 0) {
            __int128 wide = (__int128)value, most = (__int128)std::numeric_limits<R>::max(), least = (__int128)std::numeric_limits<R>::min();
            return (R)(wide > most ? most : wide < least ? least : wide);
        }
        return (R)value;
    }
}

template <class R, class A> void run_convert(Warp &warp, const Instruction &one)
{
    // A source register may be wider than its type.
    const Lane<A> *a = warp.lanes<Lane<A>>(one.operand[1]);
    int mode = one.mode;
    Lane<R> *d = warp.lanes<Lane<R>>(one.operand[0]);
    if constexpr (std::is_integral_v<R> && std::is_integral_v<A>) {
        if (mode == 0) {
            Results<R>(warp, one).fill([=](int l) { return (R)get<A>(a[l]); });
            return;
        }
    }
    for_active(warp, [=](int l) { d[l] = put<R>(convert<R, A>(get<A>(a[l]), mode)); });
}

template <class R> Handler from(Type type)
{
    switch (type) {
    case Type::U8: return run_convert<R, uint8_t>;
    case Type::S8: return run_convert<R, int8_t>;
    case Type::U16: return run_convert<R, uint16_t>;
    case Type::S16: return run_convert<R, int16_t>;
    case Type::U32: return run_convert<R, uint32_t>;
    case Type::S32: return run_convert<R, int32_t>;
    case Type::U64: return run_convert<R, uint64_t>;
    case Type::S64: return run_convert<R, int64_t>;
    case Type::F32: return run_convert<R, float>;
    case Type::F64: return run_convert<R, double>;
    default: return nullptr;
    }
}

// To bf16: the nearest, ties to even, or towards zero; NaN is 0x7FFF; with .relu what is below zero becomes zero.
uint32_t to_bf16(float value, int mode)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (value != value) {
        return 0x7FFF;
    }
    if ((mode & Relu) != 0 && (bits >> 31) != 0) {
        return 0;
    }
    return (mode & RoundingMask) == Zero ? bits >> 16 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
}

void pack_bf16(Warp &warp, const Instruction &one)
{
    const float *high = warp.lanes<float>(one.operand[1]), *low = warp.lanes<float>(one.operand[2]);
    int mode = one.mode;
    Results<uint32_t>(warp, one).fill([=](int l) { return to_bf16(high[l], mode) << 16 | to_bf16(low[l], mode); });
}

void round_bf16(Warp &warp, const Instruction &one)
{
    const float *a = warp.lanes<float>(one.operand[1]);
    int mode = one.mode;
    Results<uint32_t>(warp, one).fill([=](int l) { return to_bf16(a[l], mode); });
}

void widen_bf16(Warp &warp, const Instruction &one)
{
    const uint32_t *a = warp.lanes<uint32_t>(one.operand[1]);
    Results<uint32_t>(warp, one).fill([=](int l) { return (a[l] & 0x7FFF) > 0x7F80 ? 0x7FFFFFFFu : a[l] << 16; });
}

} // namespace

Handler find_conversion(Type to, Type type)
{
    if (type == Type::F32 && to == Type::BF16x2) {
        return pack_bf16;
    }
    if (type == Type::F32 && to == Type::BF16) {
        return round_bf16;
    }
    if (type == Type::BF16 && to == Type::F32) {
        return widen_bf16;
    }
    switch (to) {
    case Type::U8: return from<uint8_t>(type);
    case Type::S8: return from<int8_t>(type);
    case Type::U16: return from<uint16_t>(type);
    case Type::S16: return from<int16_t>(type);
    case Type::U32: return from<uint32_t>(type);
    case Type::S32: return from<int32_t>(type);
    case Type::U64: return from<uint64_t>(type);
    case Type::S64: return from<int64_t>(type);
    case Type::F32: return from<float>(type);
    case Type::F64: return from<double>(type);
    default: return nullptr;
    }
}

uint8_t conversion_mode(const std::vector<std::string> &modifiers, Type to, Type type, std::string &error)
{
    uint8_t mode = 0;
    bool is_rounded = false, rounds_to_integer = false;
    for (const std::string &word : modifiers) {
        static const char *const plain[] = {"rn", "rz", "rm", "rp"}, *const whole[] = {"rni", "rzi", "rmi", "rpi"};
        bool known = false;
        for (int rounding = 0; rounding < 4; rounding++) {
            if (word == plain[rounding] || word == whole[rounding]) {
                mode |= (uint8_t)rounding;
                known = is_rounded = true;
                rounds_to_integer = word == whole[rounding];
            }
        }
        if (word == "sat" || word == "ftz" || word == "relu") {
            mode |= word == "sat" ? Saturate : word == "ftz" ? Flush : Relu;
            known = true;
        }
        if (!known) {
            error = "cvt knows no '." + word + "'";
        }
    }
    bool from_float = is_float(type), to_float = is_float(to);
    if (from_float && !to_float && !rounds_to_integer) {
        error = "a conversion of a float to an integer has to say how it rounds (.rzi, ...)";
    } else if (((!from_float && to_float) || (from_float && to_float && bytes(to) < bytes(type)) || to == Type::BF16x2 || to == Type::BF16)
               && (!is_rounded || rounds_to_integer)) {
        error = "this conversion has to say how it rounds (.rn, ...)";
    } else if (!from_float && !to_float && is_rounded) {
        error = "a conversion between integers does not round";
    }
    return (uint8_t)(mode | (from_float && to_float && rounds_to_integer ? Integer : 0));
}

} // namespace ptx
