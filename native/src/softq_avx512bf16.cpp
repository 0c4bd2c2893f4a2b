// AVX512-BF16: vdpbf16ps, 16 pairs by two units at a time.
#include "cpu.h"
#include "softq_variants.h"

#if defined(HF_AVX512BF16)

#include "simd_avx512.h"
#include "softq_panels.h"

namespace hipifast {

namespace {

using Panels = SoftQPanels<SimdAvx512, 3>;

}  // namespace

const Variant softq_avx512bf16 = {
    "avx512bf16",
    true,
    true,
    12,
    why_not_avx512bf16,
    Panels::weight2_bytes,
    Panels::pack,
    Panels::scratch_floats,
    SoftQTile<SimdAvx512>::arrange_lanes,
    Panels::values,
    Panels::head,
    Panels::multiply_add_loop,
};

}  // namespace hipifast

#else

namespace hipifast {

const Variant softq_avx512bf16 = left_out("avx512bf16");

}  // namespace hipifast

#endif
