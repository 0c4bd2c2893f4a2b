// libhipifast_c: the functions of hipifast.h, each handed on to the library of the highest level of instructions that this processor has, which lies
// beside this one. Loaded once, by the first call.
#define HIPIFAST_BUILD
#include <hipifast.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <mutex>
#include <string>

#if defined(_WIN32)
#include <intrin.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#if defined(__x86_64__) && !defined(_WIN32)
#include <cpuid.h>
#endif

namespace {

#if defined(_WIN32)
using Library = HMODULE;
constexpr char prefix[] = "hipifast_c.", suffix[] = ".dll", kernels[] = "hipifast.dll";
#elif defined(__APPLE__)
using Library = void*;
constexpr char prefix[] = "libhipifast_c.", suffix[] = ".dylib", kernels[] = "libhipifast.dylib";
#else
using Library = void*;
constexpr char prefix[] = "libhipifast_c.", suffix[] = ".so", kernels[] = "libhipifast.so";
#endif

#if defined(__x86_64__) || defined(_M_X64)
const char* const levels[] = {"x86-64-v4", "x86-64-v3", "x86-64-v2"};

struct Registers {
  uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf) {
  Registers r{};
#if defined(_WIN32)
  int values[4];
  __cpuidex(values, static_cast<int>(leaf), 0);
  r = {uint32_t(values[0]), uint32_t(values[1]), uint32_t(values[2]), uint32_t(values[3])};
#else
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

// Registers that the operating system saves.
uint64_t saved() {
#if defined(_WIN32)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
#endif
}

bool has(uint32_t word, std::initializer_list<int> bits) {
  for (int bit : bits) {
    if ((word >> bit & 1) == 0) {
      return false;
    }
  }
  return true;
}

// Index of the highest level of the table; 3 where this processor has none.
int highest_level() {
  const uint32_t basic = cpuid(1).ecx, extended = cpuid(0x80000001).ecx, leaf7 = cpuid(7).ebx;
  // SSE3, SSSE3, CX16, SSE4.1, SSE4.2, POPCNT; LAHF
  if (!has(basic, {0, 9, 13, 19, 20, 23}) || !has(extended, {0})) {
    return 3;
  }
  // FMA, MOVBE, OSXSAVE, AVX, F16C; LZCNT; BMI1, AVX2, BMI2
  const uint64_t states = has(basic, {27}) ? saved() : 0;
  if (!has(basic, {12, 22, 27, 28, 29}) || !has(extended, {5}) || !has(leaf7, {3, 5, 8}) || (states & 0x06) != 0x06) {
    return 2;
  }
  // AVX-512: F, DQ, CD, BW, VL
  return has(leaf7, {16, 17, 28, 30, 31}) && (states & 0xe6) == 0xe6 ? 0 : 1;
}
#else
const char* const levels[] = {"arm64"};

int highest_level() {
  return 0;
}
#endif

constexpr int level_count = sizeof levels / sizeof *levels;

// Every function, its parameters and what is handed on.
#define FUNCTIONS(F)                                                                                                                              \
  F(hipifast_destroy, (hipifast_handle handle), (handle))                                                                                         \
  F(hipifast_family_from_json, (const char* json, hipifast_handle* family), (json, family))                                                       \
  F(hipifast_family_from_functions,                                                                                                               \
    (int32_t task_dimension, void* context, hipifast_judge_function judge, hipifast_achieved_function achieved, hipifast_handle* family),         \
    (task_dimension, context, judge, achieved, family))                                                                                           \
  F(hipifast_family_task_dimension, (hipifast_handle family, int32_t * task_dimension), (family, task_dimension))                                 \
  F(hipifast_agent_from_file, (const char* path, const hipifast_shape* shape, const char* format, const char* layers, hipifast_handle* agent),    \
    (path, shape, format, layers, agent))                                                                                                         \
  F(hipifast_agent_from_tensors,                                                                                                                  \
    (const hipifast_tensor* tensors, int64_t count, const hipifast_shape* shape, const char* format, const char* layers, hipifast_handle* agent), \
    (tensors, count, shape, format, layers, agent))                                                                                               \
  F(hipifast_relabeler_create, (hipifast_handle family, hipifast_handle agent, const char* options, hipifast_handle* relabeler),                  \
    (family, agent, options, relabeler))                                                                                                          \
  F(hipifast_relabeler_prepare, (hipifast_handle relabeler, const hipifast_shape* shape, int64_t rows, int64_t candidates, int32_t by_soft_q),    \
    (relabeler, shape, rows, candidates, by_soft_q))                                                                                              \
  F(hipifast_relabeler_set_candidates, (hipifast_handle relabeler, const float* tasks, int64_t count, const float* log_prior),                    \
    (relabeler, tasks, count, log_prior))                                                                                                         \
  F(hipifast_relabel,                                                                                                                             \
    (hipifast_handle relabeler, const hipifast_batch* batch, const float* candidates, int64_t count, const float* log_prior,                      \
     hipifast_relabeling* result),                                                                                                                \
    (relabeler, batch, candidates, count, log_prior, result))                                                                                     \
  F(hipifast_relabel_from_q,                                                                                                                      \
    (hipifast_handle relabeler, const hipifast_batch* batch, const float* soft_q, int64_t columns, const float* candidates, int64_t count,        \
     const float* log_prior, hipifast_relabeling* result),                                                                                        \
    (relabeler, batch, soft_q, columns, candidates, count, log_prior, result))                                                                    \
  F(hipifast_sampler_create, (const char* options, hipifast_handle* sampler), (options, sampler))                                                 \
  F(hipifast_sample,                                                                                                                              \
    (hipifast_handle sampler, const float* soft_q, int64_t rows, int64_t candidates, const float* log_prior, hipifast_draw* result),              \
    (sampler, soft_q, rows, candidates, log_prior, result))                                                                                       \
  F(hipifast_get_call, (hipifast_handle handle, uint32_t * call), (handle, call))                                                                 \
  F(hipifast_set_call, (hipifast_handle handle, uint32_t call), (handle, call))

struct Functions {
  const char* level = "";
  const char* (*version)() = nullptr;
  const char* (*last_error)() = nullptr;
  int32_t (*abi_version)() = nullptr;
  int32_t (*vector_bits)() = nullptr;
  int64_t (*handle_count)() = nullptr;
#define DECLARE(name, parameters, arguments) hipifast_status(*name) parameters = nullptr;
  FUNCTIONS(DECLARE)
#undef DECLARE
};

Functions table;
std::atomic<bool> is_ready{false};
std::mutex loading;
std::string failure;

// Folder of this library, with its last separator.
std::string own_folder() {
  std::string path;
#if defined(_WIN32)
  HMODULE self = nullptr;
  char buffer[4096];
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, reinterpret_cast<LPCSTR>(&own_folder),
                     &self);
  path.assign(buffer, GetModuleFileNameA(self, buffer, sizeof buffer));
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) != 0 && info.dli_fname != nullptr) {
    path = info.dli_fname;
  }
#endif
  const size_t end = path.find_last_of("/\\");
  return end == std::string::npos ? std::string() : path.substr(0, end + 1);
}

Library open(const std::string& path, std::string& why) {
#if defined(_WIN32)
  Library library = LoadLibraryA(path.c_str());
  why = library ? "" : path + " cannot be loaded";
#else
  Library library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* message = library ? nullptr : dlerror();
  why = message ? message : "";
#endif
  return library;
}

template <class T>
bool find(Library library, const char* name, T& function) {
#if defined(_WIN32)
  function = reinterpret_cast<T>(GetProcAddress(library, name));
#else
  function = reinterpret_cast<T>(dlsym(library, name));
#endif
  return function != nullptr;
}

bool resolve(Library library, Functions& found) {
  bool all = find(library, "hipifast_version", found.version) && find(library, "hipifast_last_error", found.last_error) &&
             find(library, "hipifast_abi_version", found.abi_version) && find(library, "hipifast_vector_bits", found.vector_bits) &&
             find(library, "hipifast_handle_count", found.handle_count);
#define RESOLVE(name, parameters, arguments) all = all && find(library, #name, found.name);
  FUNCTIONS(RESOLVE)
#undef RESOLVE
  return all && found.abi_version() == HIPIFAST_ABI_VERSION;
}

void load() {
  const std::string folder = own_folder();
  int level = highest_level();
  if (const char* wanted = std::getenv("HIPIFAST_LEVEL"); wanted != nullptr && *wanted != '\0') {
    int number = 0;
    while (number < level_count && std::strcmp(levels[number], wanted) != 0) {
      number++;
    }
    if (number == level_count || number < level) {
      failure = std::string("HIPIFAST_LEVEL is '") + wanted + "', which this processor does not have; expected " +
                (level < level_count ? levels[level] : "another") + " or a lower level.";
      return;
    }
    level = number;
  }

  // The kernels in C++ are then found by their name alone.
  std::string why;
  open(folder + kernels, why);
  failure = level == level_count ? "This processor lacks the instructions of every level (x86-64-v2 and up)." : "";
  for (; level < level_count; level++) {
    Library library = open(folder + prefix + levels[level] + suffix, why);
    if (library == nullptr) {
      failure += (failure.empty() ? "No library for this processor can be loaded: " : "; ") + why;
      continue;
    }
    Functions found;
    if (resolve(library, found)) {
      found.level = levels[level];
      table = found;
      failure.clear();
      return;
    }
    failure += (failure.empty() ? "" : "; ") + folder + prefix + levels[level] + suffix + " is of another version of HipiFast";
  }
}

// What is called, or null where nothing was loaded.
const Functions* functions() {
  if (!is_ready.load(std::memory_order_acquire)) {
    std::lock_guard<std::mutex> hold(loading);
    if (!is_ready.load(std::memory_order_relaxed)) {
      load();
      is_ready.store(true, std::memory_order_release);
    }
  }
  return table.version != nullptr ? &table : nullptr;
}

}  // namespace

extern "C" {

int32_t hipifast_abi_version(void) {
  return HIPIFAST_ABI_VERSION;
}

const char* hipifast_version(void) {
  const Functions* loaded = functions();
  return loaded ? loaded->version() : "";
}

const char* hipifast_level(void) {
  const Functions* loaded = functions();
  return loaded ? loaded->level : "";
}

int32_t hipifast_vector_bits(void) {
  const Functions* loaded = functions();
  return loaded ? loaded->vector_bits() : 0;
}

int64_t hipifast_handle_count(void) {
  const Functions* loaded = functions();
  return loaded ? loaded->handle_count() : 0;
}

const char* hipifast_last_error(void) {
  const Functions* loaded = functions();
  return loaded ? loaded->last_error() : failure.c_str();
}

#define DEFINE(name, parameters, arguments)                       \
  hipifast_status name parameters {                               \
    const Functions* loaded = functions();                        \
    return loaded ? loaded->name arguments : HIPIFAST_NOT_LOADED; \
  }
FUNCTIONS(DEFINE)
#undef DEFINE
}
