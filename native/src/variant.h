// The table of variants: what each instruction set implements, and the layout that all of them share.
#pragma once

#include "hipifast/kernels.h"

namespace hipifast {

/// Units beside each other in one operand of a bf16 dot product.
constexpr int PairedUnits = 2;

/// Outputs of W3 that are summed side by side: 4 outputs by 2 or 3 vectors of pairs cover the latency of two multiply-add ports.
constexpr int HeadPanel = 4;

constexpr size_t Alignment = 64;
constexpr uint32_t NetworkMagic = 0x48504E42;

/// First 64 bytes of a packed network; the rest follows at the offsets of NetworkLayout.
struct alignas(Alignment) NetworkHeader {
    uint32_t magic;
    int32_t variant;
    int32_t hidden;
    int32_t outputs;
};

constexpr int round_up(int count, int unit) noexcept { return (count + unit - 1) / unit * unit; }

/// Sizes and byte offsets of a packed network. b2 has one float per unit. W3 is [HS] for one output, [panel][HS][4] for several. W2 is last: its
/// order and padding are the variant's.
struct NetworkLayout {
    int hidden;
    int stride;
    int outputs;
    size_t bias2;
    size_t weight3;
    size_t bias3;
    size_t weight2;

    constexpr NetworkLayout(int hidden_units, int output_units) noexcept
        : hidden(hidden_units),
          stride(round_up(hidden_units, HF_LANES)),
          outputs(output_units),
          bias2(sizeof(NetworkHeader)),
          weight3(bias2 + sizeof(float) * stride),
          bias3(weight3 + sizeof(float) * stride * (output_units == 1 ? 1 : round_up(output_units, HeadPanel))),
          weight2(bias3 + sizeof(float) * round_up(output_units, HF_LANES)) {}
};

/// The layers of a network as hf_pack_network receives them.
struct NetworkSource {
    const float* weight2;
    const float* bias2;
    const float* weight3;
    int output_stride;
    const float* bias3;
};

/// One row of the table. Functions are null where the variant is not compiled in; they are called with checked arguments only.
struct Variant {
    const char* name;
    bool is_tested;
    bool is_offered;
    int tile_vectors;

    /// Null when it can run here, otherwise why not.
    const char* (*why_not)() noexcept;

    /// Bytes of W2.
    size_t (*weight2_bytes)(int hidden) noexcept;
    void (*pack)(const NetworkLayout& layout, const NetworkSource& source, unsigned char* network) noexcept;
    size_t (*scratch_floats)(int hidden, int actions) noexcept;
    void (*arrange_lanes)(float* share, int stride) noexcept;
    void (*values)(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors,
                   const hf_action_share* action, float* scratch, float* values) noexcept;
    void (*head)(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors, float* scratch, float* head,
                 int head_stride) noexcept;

    /// Returns the floating-point operations done.
    double (*multiply_add_loop)(int64_t iterations) noexcept;

    bool is_compiled() const noexcept { return values != nullptr; }
};

/// The variants by number. Each is defined in its own file, compiled for its own instruction set.
const Variant* const* variants() noexcept;
int variant_count() noexcept;

}  // namespace hipifast
