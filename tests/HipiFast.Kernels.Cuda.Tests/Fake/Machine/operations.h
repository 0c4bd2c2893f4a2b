// The tables that operations enter themselves in.
#pragma once
#include "lanes.h"

#include <unordered_map>

namespace ptx {

using Table = std::unordered_map<std::string, Operation>;

void add_integer_operations(Table &table);
void add_bit_operations(Table &table);
void add_float_operations(Table &table);

// One functor for types whose names are "s32" and the like.
template <class T> constexpr Type type_of()
{
    if constexpr (std::is_same_v<T, float>) {
        return Type::F32;
    } else if constexpr (std::is_same_v<T, double>) {
        return Type::F64;
    } else if constexpr (std::is_signed_v<T>) {
        return sizeof(T) == 1 ? Type::S8 : sizeof(T) == 2 ? Type::S16 : sizeof(T) == 4 ? Type::S32 : Type::S64;
    } else {
        return sizeof(T) == 1 ? Type::U8 : sizeof(T) == 2 ? Type::U16 : sizeof(T) == 4 ? Type::U32 : Type::U64;
    }
}

template <class F, class R, class A> void add1(Table &table, const std::string &mnemonic)
{
    table[mnemonic] = {map1<F, R, A>, type_of<R>(), {type_of<A>()}};
}

template <class F, class R, class A, class B> void add2(Table &table, const std::string &mnemonic)
{
    table[mnemonic] = {map2<F, R, A, B>, type_of<R>(), {type_of<A>(), type_of<B>()}};
}

template <class F, class R, class A, class B, class C> void add3(Table &table, const std::string &mnemonic)
{
    table[mnemonic] = {map3<F, R, A, B, C>, type_of<R>(), {type_of<A>(), type_of<B>(), type_of<C>()}};
}

} // namespace ptx
