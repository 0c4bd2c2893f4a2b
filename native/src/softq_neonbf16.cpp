// ARMv8.6 BFDOT, 4 pairs by two units at a time. Groups of one vector: its 4 registers by 8 outputs are already 32 accumulators.
#include "cpu.h"
#include "softq_variants.h"

#if defined(HF_NEONBF16)

#include "simd_neon.h"
#include "softq_panels.h"

namespace hipifast {

namespace {

using Panels = SoftQPanels<SimdNeon, 1>;

}  // namespace

const Variant softq_neonbf16 = {
    "neonbf16",
    false,
    true,
    8,
    why_not_neonbf16,
    Panels::weight2_bytes,
    Panels::pack,
    Panels::scratch_floats,
    SoftQTile<SimdNeon>::arrange_lanes,
    Panels::values,
    Panels::head,
    Panels::multiply_add_loop,
};

}  // namespace hipifast

#else

namespace hipifast {

const Variant softq_neonbf16 = left_out("neonbf16");

}  // namespace hipifast

#endif
