// What this processor and its operating system allow. Compiled for the baseline: it runs before anything is known.
#pragma once

namespace hipifast {

/// Null when the variant can run here, otherwise why not, one sentence.
const char* why_not_avx512bf16() noexcept;

/// The same; asks the operating system for leave to use AMX tiles, once.
const char* why_not_amxbf16() noexcept;
const char* why_not_neonbf16() noexcept;

}  // namespace hipifast
