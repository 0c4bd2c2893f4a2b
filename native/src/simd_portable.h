// 16 floats without any instruction set: the reference.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "hipifast/kernels.h"

namespace {

struct SimdPortable {
    struct Vector {
        float lane[HF_LANES];
    };

    /// 16 pairs, two units of each, in bf16.
    struct PairedVector {
        uint16_t unit[2 * HF_LANES];
    };

    /// Weights of two units for all pairs alike.
    struct PairedWeight {
        float first;
        float second;
    };

    static Vector load(const float* from) noexcept {
        Vector result;
        std::memcpy(&result, from, sizeof result);
        return result;
    }

    static void store(float* to, const Vector& value) noexcept { std::memcpy(to, &value, sizeof value); }

    static Vector broadcast(float value) noexcept {
        Vector result;
        for (float& lane : result.lane) {
            lane = value;
        }
        return result;
    }

    /// (from[0], from[1]) eight times.
    static Vector broadcast_two(const float* from) noexcept {
        Vector result;
        for (int l = 0; l < HF_LANES; l++) {
            result.lane[l] = from[l % 2];
        }
        return result;
    }

    static Vector add(Vector a, const Vector& b) noexcept {
        for (int l = 0; l < HF_LANES; l++) {
            a.lane[l] += b.lane[l];
        }
        return a;
    }

    /// a * b + c.
    static Vector multiply_add(const Vector& a, const Vector& b, Vector c) noexcept {
        for (int l = 0; l < HF_LANES; l++) {
            c.lane[l] += a.lane[l] * b.lane[l];
        }
        return c;
    }

    /// max(x, 0), and NaN for NaN.
    static Vector rectify(Vector x) noexcept {
        for (float& lane : x.lane) {
            lane = lane < 0.0f ? 0.0f : lane;
        }
        return x;
    }

    /// a0 b0 a1 b1 ... a7 b7 and a8 b8 ... a15 b15.
    static void interleave(const Vector& a, const Vector& b, Vector& low, Vector& high) noexcept {
        for (int l = 0; l < HF_LANES; l++) {
            Vector& half = l < HF_LANES / 2 ? low : high;
            half.lane[2 * l % HF_LANES] = a.lane[l];
            half.lane[2 * l % HF_LANES + 1] = b.lane[l];
        }
    }

    /// Rounds to the nearest bf16, ties to even.
    static uint16_t round(float value) noexcept {
        uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        if (std::isnan(value)) {
            return static_cast<uint16_t>((bits >> 16) | 0x40);
        }
        return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    static void store_rounded(uint16_t* to, const Vector& low, const Vector& high) noexcept {
        for (int l = 0; l < HF_LANES; l++) {
            to[l] = round(low.lane[l]);
            to[HF_LANES + l] = round(high.lane[l]);
        }
    }

    static PairedVector load_paired(const uint16_t* from) noexcept {
        PairedVector result;
        std::memcpy(&result, from, sizeof result);
        return result;
    }

    static PairedWeight broadcast_paired(const uint16_t* from) noexcept { return {widen(from[0]), widen(from[1])}; }

    /// sum + x_first w_first + x_second w_second per pair. Products of two bf16 numbers are exact in fp32.
    static Vector dot(Vector sum, const PairedVector& x, const PairedWeight& weight) noexcept {
        for (int l = 0; l < HF_LANES; l++) {
            sum.lane[l] += widen(x.unit[2 * l]) * weight.first;
            sum.lane[l] += widen(x.unit[2 * l + 1]) * weight.second;
        }
        return sum;
    }

private:
    static float widen(uint16_t value) noexcept {
        uint32_t bits = static_cast<uint32_t>(value) << 16;
        float result;
        std::memcpy(&result, &bits, sizeof result);
        return result;
    }
};

}  // namespace
