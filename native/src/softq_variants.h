// The variants by name, for the table alone.
#pragma once

#include "variant.h"

namespace hipifast {

/// A variant that this build has no code for.
constexpr Variant left_out(const char* name) noexcept {
    return {name, false, true, 1, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
}

extern const Variant softq_portable;
extern const Variant softq_avx512bf16;
extern const Variant softq_amxbf16;
extern const Variant softq_neonbf16;

}  // namespace hipifast
