// Operations that every lane does by itself: loops over 32 numbers, which the compiler makes vectors of.
#pragma once
#include "warp.h"

#include <type_traits>

namespace ptx {

// Numbers of less than 32 bits lie in the lower bits of 32, extended as a wider register takes them.
template <class T> using Lane = std::conditional_t<(sizeof(T) < 4), uint32_t, T>;

template <class T> inline Lane<T> put(T value)
{
    if constexpr (sizeof(T) < 4) {
        return (uint32_t)(int32_t)value;
    } else {
        return value;
    }
}

template <class T> inline T get(Lane<T> value) { return (T)value; }

template <class R> struct Results {
    Results(Warp &warp, const Instruction &one) : to(warp.lanes<Lane<R>>(one.operand[0])), mask(warp.mask), is_full(warp.is_full) {}

    template <class F> void fill(F value)
    {
        if (is_full) {
#pragma GCC ivdep
            for (int l = 0; l < 32; l++) {
                to[l] = put<R>(value(l));
            }
        } else {
#pragma GCC ivdep
            for (int l = 0; l < 32; l++) {
                Lane<R> made = put<R>(value(l));
                to[l] = mask[l] ? made : to[l];
            }
        }
    }

    Lane<R> *to;
    const uint32_t *mask;
    bool is_full;
};

// For operations that may trap on what lies in lanes that are not active.
template <class F> inline void for_active(const Warp &warp, F body)
{
    for (uint32_t left = warp.active; left != 0; left &= left - 1) {
        body(__builtin_ctz(left));
    }
}

template <class F, class R, class A> void map1(Warp &warp, const Instruction &one)
{
    const Lane<A> *a = warp.lanes<Lane<A>>(one.operand[1]);
    Results<R>(warp, one).fill([=](int l) { return F::of(get<A>(a[l])); });
}

template <class F, class R, class A, class B> void map2(Warp &warp, const Instruction &one)
{
    const Lane<A> *a = warp.lanes<Lane<A>>(one.operand[1]);
    const Lane<B> *b = warp.lanes<Lane<B>>(one.operand[2]);
    Results<R>(warp, one).fill([=](int l) { return F::of(get<A>(a[l]), get<B>(b[l])); });
}

template <class F, class R, class A, class B, class C> void map3(Warp &warp, const Instruction &one)
{
    const Lane<A> *a = warp.lanes<Lane<A>>(one.operand[1]);
    const Lane<B> *b = warp.lanes<Lane<B>>(one.operand[2]);
    const Lane<C> *c = warp.lanes<Lane<C>>(one.operand[3]);
    Results<R>(warp, one).fill([=](int l) { return F::of(get<A>(a[l]), get<B>(b[l]), get<C>(c[l])); });
}

inline uint32_t truth(bool value) { return value ? ~0u : 0u; }

} // namespace ptx
