// 16 floats in four registers, bf16 by ARMv8.6 BFDOT.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#include "hipifast/kernels.h"

namespace {

struct SimdNeon {
    static constexpr int Quads = HF_LANES / 4;

    struct Vector {
        float32x4_t quad[Quads];
    };

    struct PairedVector {
        bfloat16x8_t quad[Quads];
    };

    using PairedWeight = bfloat16x8_t;

    static Vector load(const float* from) noexcept {
        return {{vld1q_f32(from), vld1q_f32(from + 4), vld1q_f32(from + 8), vld1q_f32(from + 12)}};
    }

    static void store(float* to, const Vector& value) noexcept {
        for (int q = 0; q < Quads; q++) {
            vst1q_f32(to + 4 * q, value.quad[q]);
        }
    }

    static Vector broadcast(float value) noexcept {
        const float32x4_t quad = vdupq_n_f32(value);
        return {{quad, quad, quad, quad}};
    }

    static Vector broadcast_two(const float* from) noexcept {
        const float32x2_t both = vld1_f32(from);
        const float32x4_t quad = vcombine_f32(both, both);
        return {{quad, quad, quad, quad}};
    }

    static Vector add(Vector a, const Vector& b) noexcept {
        for (int q = 0; q < Quads; q++) {
            a.quad[q] = vaddq_f32(a.quad[q], b.quad[q]);
        }
        return a;
    }

    static Vector multiply_add(const Vector& a, const Vector& b, Vector c) noexcept {
        for (int q = 0; q < Quads; q++) {
            c.quad[q] = vfmaq_f32(c.quad[q], a.quad[q], b.quad[q]);
        }
        return c;
    }

    /// FMAX returns NaN when either operand is one.
    static Vector rectify(Vector x) noexcept {
        for (int q = 0; q < Quads; q++) {
            x.quad[q] = vmaxq_f32(x.quad[q], vdupq_n_f32(0.0f));
        }
        return x;
    }

    static void interleave(const Vector& a, const Vector& b, Vector& low, Vector& high) noexcept {
        for (int q = 0; q < Quads; q++) {
            Vector& half = q < Quads / 2 ? low : high;
            half.quad[2 * q % Quads] = vzip1q_f32(a.quad[q], b.quad[q]);
            half.quad[2 * q % Quads + 1] = vzip2q_f32(a.quad[q], b.quad[q]);
        }
    }

    static void store_rounded(uint16_t* to, const Vector& low, const Vector& high) noexcept {
        store_half(to, low);
        store_half(to + HF_LANES, high);
    }

    static PairedVector load_paired(const uint16_t* from) noexcept {
        const bfloat16_t* numbers = reinterpret_cast<const bfloat16_t*>(from);
        return {{vld1q_bf16(numbers), vld1q_bf16(numbers + 8), vld1q_bf16(numbers + 16), vld1q_bf16(numbers + 24)}};
    }

    static PairedWeight broadcast_paired(const uint16_t* from) noexcept {
        return vreinterpretq_bf16_u32(vld1q_dup_u32(reinterpret_cast<const uint32_t*>(from)));
    }

    static Vector dot(Vector sum, const PairedVector& x, PairedWeight weight) noexcept {
        for (int q = 0; q < Quads; q++) {
            sum.quad[q] = vbfdotq_f32(sum.quad[q], x.quad[q], weight);
        }
        return sum;
    }

private:
    static void store_half(uint16_t* to, const Vector& value) noexcept {
        bfloat16_t* numbers = reinterpret_cast<bfloat16_t*>(to);
        vst1q_bf16(numbers, vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(value.quad[0]), value.quad[1]));
        vst1q_bf16(numbers + 8, vcvtq_high_bf16_f32(vcvtq_low_bf16_f32(value.quad[2]), value.quad[3]));
    }
};

}  // namespace
