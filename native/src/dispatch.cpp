// The one table of variants. Compiled for the baseline; nothing of a variant runs before why_not has been asked.
#include "softq_variants.h"

namespace hipifast {

namespace {

constexpr const Variant* table[] = {&softq_portable, &softq_avx512bf16, &softq_amxbf16, &softq_neonbf16};

}  // namespace

const Variant* const* variants() noexcept { return table; }

int variant_count() noexcept { return static_cast<int>(sizeof table / sizeof *table); }

}  // namespace hipifast
