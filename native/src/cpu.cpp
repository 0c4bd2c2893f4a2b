#include "cpu.h"

#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#define HF_X64 1
#if defined(_MSC_VER)
#include <intrin.h>
#include <windows.h>
#else
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace hipifast {

namespace {

#if defined(HF_X64)

struct Registers {
    uint32_t eax = 0;
    uint32_t ebx = 0;
    uint32_t ecx = 0;
    uint32_t edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) noexcept {
    Registers found;
#if defined(_MSC_VER)
    int values[4];
    __cpuid(values, 0);
    if (leaf > static_cast<uint32_t>(values[0])) {
        return found;
    }
    __cpuidex(values, static_cast<int>(leaf), static_cast<int>(subleaf));
    found = {static_cast<uint32_t>(values[0]), static_cast<uint32_t>(values[1]), static_cast<uint32_t>(values[2]),
             static_cast<uint32_t>(values[3])};
#else
    // Leaves the registers zero when there is no such leaf.
    if (__get_cpuid_count(leaf, subleaf, &found.eax, &found.ebx, &found.ecx, &found.edx) == 0) {
        found = {};
    }
#endif
    return found;
}

/// Register states that the operating system saves (XCR0); 0 when it does not say.
uint64_t saved_states() noexcept {
    constexpr uint32_t OsXsave = 1u << 27;
    if ((cpuid(1, 0).ecx & OsXsave) == 0) {
        return 0;
    }
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool has(uint64_t found, uint64_t wanted) noexcept { return (found & wanted) == wanted; }

/// A process must ask before it touches AMX tiles; the leave holds for all its threads.
bool may_use_tiles() noexcept {
#if defined(__linux__)
    constexpr long RequestPermission = 0x1023;
    constexpr long TileData = 18;
    return syscall(SYS_arch_prctl, RequestPermission, TileData) == 0;
#elif defined(_WIN32)
    constexpr DWORD64 TileData = 1ull << 18;
    using Enable = BOOL(WINAPI*)(DWORD64);
    const HMODULE kernel = GetModuleHandleW(L"kernel32.dll");
    const auto enable = kernel == nullptr ? nullptr : reinterpret_cast<Enable>(GetProcAddress(kernel, "EnableProcessOptionalXStateFeatures"));
    return enable != nullptr && enable(TileData) != FALSE;
#else
    return false;
#endif
}

const char* find_avx512bf16() noexcept {
    // SSE, AVX, and the three parts of AVX-512.
    constexpr uint64_t Avx512State = 0xE6;
    constexpr uint32_t Foundation = 1u << 16, Doubleword = 1u << 17, ByteWord = 1u << 30, ShortVectors = 1u << 31, Bf16 = 1u << 5;
    if (!has(cpuid(7, 0).ebx, Foundation | Doubleword | ByteWord | ShortVectors) || !has(cpuid(7, 1).eax, Bf16)) {
        return "the processor has no AVX512-BF16.";
    }
    return has(saved_states(), Avx512State) ? nullptr : "the operating system does not save 512-bit registers.";
}

const char* find_amxbf16() noexcept {
    constexpr uint64_t TileState = 0x60000;
    constexpr uint32_t Bf16 = 1u << 22, Tiles = 1u << 24;
    if (!has(cpuid(7, 0).edx, Tiles | Bf16)) {
        return "the processor has no AMX-BF16.";
    }
    if (const char* reason = find_avx512bf16()) {
        return reason;
    }
    if (!has(saved_states(), TileState)) {
        return "the operating system does not save AMX tiles.";
    }
    return may_use_tiles() ? nullptr : "the operating system refuses this process the use of AMX tiles.";
}

#endif

}  // namespace

const char* why_not_avx512bf16() noexcept {
#if defined(HF_X64)
    static const char* const reason = find_avx512bf16();
    return reason;
#else
    return "the processor is not an x64 one.";
#endif
}

const char* why_not_amxbf16() noexcept {
#if defined(HF_X64)
    static const char* const reason = find_amxbf16();
    return reason;
#else
    return "the processor is not an x64 one.";
#endif
}

const char* why_not_neonbf16() noexcept {
#if defined(__aarch64__) && defined(__linux__)
    constexpr unsigned long Bf16 = 1ul << 14;
    return (getauxval(AT_HWCAP2) & Bf16) != 0 ? nullptr : "the processor has no bf16 instructions.";
#elif defined(__aarch64__) && defined(__APPLE__)
    int found = 0;
    size_t length = sizeof found;
    const bool has_bf16 = sysctlbyname("hw.optional.arm.FEAT_BF16", &found, &length, nullptr, 0) == 0 && found != 0;
    return has_bf16 ? nullptr : "the processor has no bf16 instructions.";
#else
    return "the processor is not an arm64 one.";
#endif
}

}  // namespace hipifast
