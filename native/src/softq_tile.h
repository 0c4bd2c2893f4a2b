// The parts of a soft-Q tile, written once over a vector type of 16 floats (SimdPortable, SimdAvx512, SimdNeon).
//
// Everything here has internal linkage: each variant's file is compiled for its own instruction set, and a function shared by name between two
// files would be taken from whichever the linker met first.
#pragma once

#include <cstdint>
#include <cstring>

#include "variant.h"

// Accumulators stay in registers only when every loop over them is unrolled. Sanitized code would grow beyond what a compiler can digest, and
// that of the reference (HF_ROLLED), whose vectors are arrays, beyond what is worth waiting for: it takes longer to compile than all the others.
#if defined(HF_SANITIZED) || defined(HF_ROLLED)
#define HF_UNROLL
#elif defined(__clang__)
#define HF_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define HF_UNROLL _Pragma("GCC unroll 32")
#else
#define HF_UNROLL
#endif

#if defined(_MSC_VER)
#define HF_INLINE __forceinline
#else
#define HF_INLINE inline __attribute__((always_inline))
#endif

namespace {

using hipifast::HeadPanel;
using hipifast::NetworkLayout;
using hipifast::NetworkSource;
using hipifast::PairedUnits;
using hipifast::round_up;

/// bf16 numbers of one vector of pairs at two units: the row of an x tile.
constexpr int PairedRow = HF_LANES * PairedUnits;

/// Units of the first layer that are summed side by side when there are actions, so that an action is loaded once for all of them.
constexpr int ActionUnits = 4;

template <class Simd>
struct SoftQTile {
    using Vector = typename Simd::Vector;

    /// Floats of the actions of one vector of pairs, each entry twice.
    static size_t action_floats(int actions) noexcept { return static_cast<size_t>(actions) * PairedRow; }

    static void arrange_lanes(float* share, int stride) noexcept {
        for (int k = 0; k < stride; k += PairedUnits, share += PairedRow) {
            Vector low, high;
            Simd::interleave(Simd::load(share), Simd::load(share + HF_LANES), low, high);
            Simd::store(share, low);
            Simd::store(share + HF_LANES, high);
        }
    }

    /// action_d of 16 pairs, each entry twice, [count][32], so that it lines up with two units of each pair.
    static void arrange_actions(const hf_action_share& action, int vector, float* arranged) noexcept {
        for (int d = 0; d < action.count; d++, arranged += PairedRow) {
            const Vector entries = Simd::load(action.action + static_cast<size_t>(d) * action.action_stride + vector * HF_LANES);
            Vector low, high;
            Simd::interleave(entries, entries, low, high);
            Simd::store(arranged, low);
            Simd::store(arranged + HF_LANES, high);
        }
    }

    /// x = relu(broadcast + lanes) of 16 pairs in bf16, for pairs of units [begin, end); x has rows of 32 numbers, row_stride apart.
    static HF_INLINE void first_layer(const hf_pair_vector& pair, int begin, int end, uint16_t* x, int row_stride) noexcept {
        for (int row = begin; row < end; row++) {
            const Vector broadcast = Simd::broadcast_two(pair.broadcast + row * PairedUnits);
            const float* lanes = pair.lanes + static_cast<size_t>(row) * PairedRow;
            const Vector low = Simd::rectify(Simd::add(Simd::load(lanes), broadcast));
            const Vector high = Simd::rectify(Simd::add(Simd::load(lanes + HF_LANES), broadcast));
            Simd::store_rounded(x + static_cast<size_t>(row) * row_stride, low, high);
        }
    }

    /// The same with the actions' part added; arranged is the result of arrange_actions.
    static void first_layer(const hf_pair_vector& pair, const hf_action_share& action, const float* arranged, int hidden_stride, int begin,
                            int end, uint16_t* x, int row_stride) noexcept {
        int row = begin;
        for (; row + ActionUnits <= end; row += ActionUnits) {
            first_layer_rows<ActionUnits>(pair, action, arranged, hidden_stride, row, x, row_stride);
        }
        for (; row < end; row++) {
            first_layer_rows<1>(pair, action, arranged, hidden_stride, row, x, row_stride);
        }
    }

    /// Packs all but W2, and clears what pads it.
    static void pack_small(const NetworkLayout& layout, const NetworkSource& source, unsigned char* network) noexcept {
        std::memcpy(network + layout.bias2, source.bias2, sizeof(float) * layout.stride);
        std::memset(network + layout.bias3, 0, layout.weight2 - layout.bias3);
        std::memcpy(network + layout.bias3, source.bias3, sizeof(float) * layout.outputs);
        float* weight3 = reinterpret_cast<float*>(network + layout.weight3);
        if (layout.outputs == 1) {
            for (int k = 0; k < layout.stride; k++) {
                weight3[k] = source.weight3[static_cast<size_t>(k) * source.output_stride];
            }
            return;
        }
        for (int first = 0; first < layout.outputs; first += HeadPanel) {
            for (int k = 0; k < layout.stride; k++, weight3 += HeadPanel) {
                for (int o = 0; o < HeadPanel; o++) {
                    weight3[o] = first + o < layout.outputs ? source.weight3[static_cast<size_t>(k) * source.output_stride + first + o] : 0.0f;
                }
            }
        }
    }

    /// Weights from units k and k + 1 to outputs [o, o + 16), in bf16: [16][2]. Zeros beyond the matrix.
    static HF_INLINE void round_weights(const NetworkLayout& layout, const float* weight2, int k, int o, uint16_t* rounded) noexcept {
        if (k >= layout.stride || o >= layout.stride) {
            std::memset(rounded, 0, sizeof(uint16_t) * PairedRow);
            return;
        }
        const float* row = weight2 + static_cast<size_t>(k) * layout.stride + o;
        Vector low, high;
        Simd::interleave(Simd::load(row), Simd::load(row + layout.stride), low, high);
        Simd::store_rounded(rounded, low, high);
    }

    /// head = W3 h + b3 in fp32 for Vectors * 16 pairs; h is [H][Vectors * 16].
    template <int Vectors>
    static void third_layer(const unsigned char* network, const NetworkLayout& layout, const float* h, float* head, int head_stride) noexcept {
        const float* bias = reinterpret_cast<const float*>(network + layout.bias3);
        const float* weight = reinterpret_cast<const float*>(network + layout.weight3);
        const size_t panel_floats = static_cast<size_t>(layout.outputs == 1 ? 1 : HeadPanel) * layout.stride;
        for (int first = 0; first < layout.outputs; first += HeadPanel, weight += panel_floats) {
            Vector sum[HeadPanel][Vectors];
            HF_UNROLL
            for (int o = 0; o < HeadPanel; o++) {
                HF_UNROLL
                for (int v = 0; v < Vectors; v++) {
                    sum[o][v] = Simd::broadcast(bias[first + o]);
                }
            }
            if (layout.outputs == 1) {
                for (int k = 0; k < layout.hidden; k++) {
                    HF_UNROLL
                    for (int v = 0; v < Vectors; v++) {
                        sum[0][v] = Simd::multiply_add(Simd::broadcast(weight[k]), Simd::load(h + (static_cast<size_t>(k) * Vectors + v) * HF_LANES),
                                                       sum[0][v]);
                    }
                }
            } else {
                for (int k = 0; k < layout.hidden; k++) {
                    Vector unit[Vectors];
                    HF_UNROLL
                    for (int v = 0; v < Vectors; v++) {
                        unit[v] = Simd::load(h + (static_cast<size_t>(k) * Vectors + v) * HF_LANES);
                    }
                    HF_UNROLL
                    for (int o = 0; o < HeadPanel; o++) {
                        const Vector factor = Simd::broadcast(weight[k * HeadPanel + o]);
                        HF_UNROLL
                        for (int v = 0; v < Vectors; v++) {
                            sum[o][v] = Simd::multiply_add(factor, unit[v], sum[o][v]);
                        }
                    }
                }
            }
            const int outputs = layout.outputs - first < HeadPanel ? layout.outputs - first : HeadPanel;
            HF_UNROLL
            for (int o = 0; o < HeadPanel; o++) {
                if (o < outputs) {
                    HF_UNROLL
                    for (int v = 0; v < Vectors; v++) {
                        Simd::store(head + static_cast<size_t>(first + o) * head_stride + v * HF_LANES, sum[o][v]);
                    }
                }
            }
        }
    }

private:
    template <int Rows>
    static HF_INLINE void first_layer_rows(const hf_pair_vector& pair, const hf_action_share& action, const float* arranged, int hidden_stride,
                                           int row, uint16_t* x, int row_stride) noexcept {
        const float* lanes = pair.lanes + static_cast<size_t>(row) * PairedRow;
        Vector low[Rows], high[Rows];
        HF_UNROLL
        for (int r = 0; r < Rows; r++) {
            const Vector broadcast = Simd::broadcast_two(pair.broadcast + (row + r) * PairedUnits);
            low[r] = Simd::add(Simd::load(lanes + r * PairedRow), broadcast);
            high[r] = Simd::add(Simd::load(lanes + r * PairedRow + HF_LANES), broadcast);
        }
        const float* weight = action.weights + static_cast<size_t>(row) * PairedUnits;
        for (int d = 0; d < action.count; d++, arranged += PairedRow, weight += hidden_stride) {
            const Vector action_low = Simd::load(arranged), action_high = Simd::load(arranged + HF_LANES);
            HF_UNROLL
            for (int r = 0; r < Rows; r++) {
                const Vector factor = Simd::broadcast_two(weight + r * PairedUnits);
                low[r] = Simd::multiply_add(action_low, factor, low[r]);
                high[r] = Simd::multiply_add(action_high, factor, high[r]);
            }
        }
        HF_UNROLL
        for (int r = 0; r < Rows; r++) {
            Simd::store_rounded(x + static_cast<size_t>(row + r) * row_stride, Simd::rectify(low[r]), Simd::rectify(high[r]));
        }
    }
};

}  // namespace
