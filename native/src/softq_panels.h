// Soft-Q tiles on vector registers: W2 in panels of 8 outputs, each weight broadcast to all lanes. Shared by the variants whose bf16 dot product
// is a vector instruction, and by the reference.
//
// Pairs go through in groups of GroupVectors vectors: 8 x 3 = 24 accumulators cover the latency of two dot-product ports, and 3 loads and 8
// broadcasts feed 24 dot products.
#pragma once

#include "softq_tile.h"

namespace {

constexpr int OutputPanel = 8;

template <class Simd, int GroupVectors>
struct SoftQPanels {
    using Vector = typename Simd::Vector;
    using Tile = SoftQTile<Simd>;

    static size_t weight2_bytes(int hidden) noexcept {
        const size_t stride = round_up(hidden, HF_LANES);
        return stride * stride * sizeof(uint16_t);
    }

    /// W2 as [panel][k / 2][8][2].
    static void pack(const NetworkLayout& layout, const NetworkSource& source, unsigned char* network) noexcept {
        Tile::pack_small(layout, source, network);
        uint16_t* weight2 = reinterpret_cast<uint16_t*>(network + layout.weight2);
        const size_t panel = static_cast<size_t>(layout.stride) * OutputPanel;
        for (int o = 0; o < layout.stride; o += HF_LANES) {
            for (int k = 0; k < layout.stride; k += PairedUnits) {
                alignas(hipifast::Alignment) uint16_t rounded[PairedRow];
                Tile::round_weights(layout, source.weight2, k, o, rounded);
                for (int half = 0; half < HF_LANES / OutputPanel; half++) {
                    uint16_t* to = weight2 + (o / OutputPanel + half) * panel + static_cast<size_t>(k) * OutputPanel;
                    std::memcpy(to, rounded + half * OutputPanel * PairedUnits, sizeof(uint16_t) * OutputPanel * PairedUnits);
                }
            }
        }
    }

    static size_t scratch_floats(int hidden, int actions) noexcept {
        const size_t group = static_cast<size_t>(round_up(hidden, HF_LANES)) * GroupVectors * HF_LANES;
        return group / 2 + group + Tile::action_floats(actions);
    }

    static void values(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors,
                       const hf_action_share* action, float* scratch, float* values) noexcept {
        int first = 0;
        for (; first + GroupVectors <= vectors; first += GroupVectors) {
            group<GroupVectors>(network, layout, pairs + first, action, first, scratch, values + first * HF_LANES, nullptr, 0);
        }
        if constexpr (GroupVectors > 2) {
            if (vectors - first == 2) {
                group<2>(network, layout, pairs + first, action, first, scratch, values + first * HF_LANES, nullptr, 0);
                return;
            }
        }
        if (first < vectors) {
            group<1>(network, layout, pairs + first, action, first, scratch, values + first * HF_LANES, nullptr, 0);
        }
    }

    static void head(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors, float* scratch,
                     float* head, int head_stride) noexcept {
        int first = 0;
        for (; first + GroupVectors <= vectors; first += GroupVectors) {
            group<GroupVectors>(network, layout, pairs + first, nullptr, first, scratch, nullptr, head + first * HF_LANES, head_stride);
        }
        if constexpr (GroupVectors > 2) {
            if (vectors - first == 2) {
                group<2>(network, layout, pairs + first, nullptr, first, scratch, nullptr, head + first * HF_LANES, head_stride);
                return;
            }
        }
        if (first < vectors) {
            group<1>(network, layout, pairs + first, nullptr, first, scratch, nullptr, head + first * HF_LANES, head_stride);
        }
    }

    static double multiply_add_loop(int64_t iterations) noexcept {
        constexpr int Accumulators = 24;
        alignas(hipifast::Alignment) volatile uint16_t source[PairedRow];
        alignas(hipifast::Alignment) uint16_t operand[PairedRow];
        for (int i = 0; i < PairedRow; i++) {
            source[i] = 0x3F80;  // 1.0, and unknown to the compiler
            operand[i] = source[i];
        }
        const auto x = Simd::load_paired(operand);
        const auto weight = Simd::broadcast_paired(operand);

        // Equal accumulators would be merged into one.
        Vector sum[Accumulators];
        HF_UNROLL
        for (int i = 0; i < Accumulators; i++) {
            sum[i] = Simd::broadcast(static_cast<float>(i));
        }
        for (int64_t n = 0; n < iterations; n++) {
            HF_UNROLL
            for (int i = 0; i < Accumulators; i++) {
                sum[i] = Simd::dot(sum[i], x, weight);
            }
        }
        Vector total = sum[0];
        HF_UNROLL
        for (int i = 1; i < Accumulators; i++) {
            total = Simd::add(total, sum[i]);
        }
        alignas(hipifast::Alignment) float result[HF_LANES];
        Simd::store(result, total);
        volatile float sink = result[0];
        static_cast<void>(sink);
        return static_cast<double>(iterations) * Accumulators * PairedRow * 2;
    }

private:
    template <int Vectors>
    static void group(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, const hf_action_share* action,
                      int first, float* scratch, float* values, float* head, int head_stride) noexcept {
        constexpr int RowStride = Vectors * PairedRow;
        uint16_t* x = reinterpret_cast<uint16_t*>(scratch);
        float* h = scratch + static_cast<size_t>(layout.stride) * GroupVectors * HF_LANES / 2;
        float* arranged = h + static_cast<size_t>(layout.stride) * GroupVectors * HF_LANES;
        const int rows = layout.stride / PairedUnits;
        for (int v = 0; v < Vectors; v++) {
            if (action != nullptr) {
                Tile::arrange_actions(*action, first + v, arranged);
                Tile::first_layer(pairs[v], *action, arranged, layout.stride, 0, rows, x + v * PairedRow, RowStride);
            } else {
                Tile::first_layer(pairs[v], 0, rows, x + v * PairedRow, RowStride);
            }
        }

        const float* bias2 = reinterpret_cast<const float*>(network + layout.bias2);
        const float* weight3 = reinterpret_cast<const float*>(network + layout.weight3);
        const uint16_t* weight2 = reinterpret_cast<const uint16_t*>(network + layout.weight2);
        Vector value[Vectors];
        HF_UNROLL
        for (int v = 0; v < Vectors; v++) {
            value[v] = Simd::broadcast(*reinterpret_cast<const float*>(network + layout.bias3));
        }
        for (int o = 0; o < layout.hidden; o += OutputPanel) {
            Vector sum[OutputPanel][Vectors];
            HF_UNROLL
            for (int i = 0; i < OutputPanel; i++) {
                HF_UNROLL
                for (int v = 0; v < Vectors; v++) {
                    sum[i][v] = Simd::broadcast(bias2[o + i]);
                }
            }
            const uint16_t* from = x;
            for (int row = 0; row < rows; row++, from += RowStride, weight2 += OutputPanel * PairedUnits) {
                typename Simd::PairedVector unit[Vectors];
                HF_UNROLL
                for (int v = 0; v < Vectors; v++) {
                    unit[v] = Simd::load_paired(from + v * PairedRow);
                }
                HF_UNROLL
                for (int i = 0; i < OutputPanel; i++) {
                    const typename Simd::PairedWeight weight = Simd::broadcast_paired(weight2 + i * PairedUnits);
                    HF_UNROLL
                    for (int v = 0; v < Vectors; v++) {
                        sum[i][v] = Simd::dot(sum[i][v], unit[v], weight);
                    }
                }
            }

            // Outputs beyond H are computed with the panel and dropped here: where x is infinite they are NaN, not 0.
            const int outputs = layout.hidden - o < OutputPanel ? layout.hidden - o : OutputPanel;
            HF_UNROLL
            for (int i = 0; i < OutputPanel; i++) {
                if (i < outputs) {
                    HF_UNROLL
                    for (int v = 0; v < Vectors; v++) {
                        const Vector unit = Simd::rectify(sum[i][v]);
                        if (values != nullptr) {
                            value[v] = Simd::multiply_add(Simd::broadcast(weight3[o + i]), unit, value[v]);
                        } else {
                            Simd::store(h + (static_cast<size_t>(o + i) * Vectors + v) * HF_LANES, unit);
                        }
                    }
                }
            }
        }

        if (values == nullptr) {
            Tile::template third_layer<Vectors>(network, layout, h, head, head_stride);
            return;
        }
        HF_UNROLL
        for (int v = 0; v < Vectors; v++) {
            Simd::store(values + v * HF_LANES, value[v]);
        }
    }
};

}  // namespace
