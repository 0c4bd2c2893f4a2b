// The reference: the same numbers as the fast variants up to the order of sums, on any machine, slowly.
#define HF_ROLLED
#include "simd_portable.h"
#include "softq_panels.h"
#include "softq_variants.h"

namespace hipifast {

namespace {

using Panels = SoftQPanels<SimdPortable, 3>;

const char* why_not() noexcept { return nullptr; }

}  // namespace

const Variant softq_portable = {
    "portable",
    true,
    false,
    16,
    why_not,
    Panels::weight2_bytes,
    Panels::pack,
    Panels::scratch_floats,
    SoftQTile<SimdPortable>::arrange_lanes,
    Panels::values,
    Panels::head,
    Panels::multiply_add_loop,
};

}  // namespace hipifast
