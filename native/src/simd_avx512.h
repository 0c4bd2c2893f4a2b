// 16 floats in one register, bf16 by AVX512-BF16.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

struct SimdAvx512 {
    using Vector = __m512;
    using PairedVector = __m512bh;
    using PairedWeight = __m512bh;

    static Vector load(const float* from) noexcept { return _mm512_loadu_ps(from); }
    static void store(float* to, Vector value) noexcept { _mm512_storeu_ps(to, value); }
    static Vector broadcast(float value) noexcept { return _mm512_set1_ps(value); }

    static Vector broadcast_two(const float* from) noexcept {
        double both;
        std::memcpy(&both, from, sizeof both);
        return _mm512_castpd_ps(_mm512_set1_pd(both));
    }

    static Vector add(Vector a, Vector b) noexcept { return _mm512_add_ps(a, b); }
    static Vector multiply_add(Vector a, Vector b, Vector c) noexcept { return _mm512_fmadd_ps(a, b, c); }

    /// vmaxps returns its second operand when either is NaN, so that NaN passes.
    static Vector rectify(Vector x) noexcept { return _mm512_max_ps(_mm512_setzero_ps(), x); }

    static void interleave(Vector a, Vector b, Vector& low, Vector& high) noexcept {
        const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        low = _mm512_permutex2var_ps(a, first, b);
        high = _mm512_permutex2var_ps(a, second, b);
    }

    static void store_rounded(uint16_t* to, Vector low, Vector high) noexcept {
        const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
        std::memcpy(to, &rounded, sizeof rounded);
    }

    static PairedVector load_paired(const uint16_t* from) noexcept {
        PairedVector result;
        std::memcpy(&result, from, sizeof result);
        return result;
    }

    static PairedWeight broadcast_paired(const uint16_t* from) noexcept {
        int32_t both;
        std::memcpy(&both, from, sizeof both);
        const __m512i all = _mm512_set1_epi32(both);
        PairedWeight result;
        std::memcpy(&result, &all, sizeof result);
        return result;
    }

    static Vector dot(Vector sum, PairedVector x, PairedWeight weight) noexcept { return _mm512_dpbf16_ps(sum, x, weight); }
};

}  // namespace
