// The C ABI: every check, and the boundary that no exception crosses.
#include <cstring>

#include "variant.h"

namespace {

using hipifast::Alignment;
using hipifast::NetworkHeader;
using hipifast::NetworkLayout;
using hipifast::NetworkSource;
using hipifast::Variant;

template <class Body>
int32_t guarded(Body&& body) noexcept {
    try {
        return body();
    } catch (...) {
        return HF_INTERNAL;
    }
}

bool is_aligned(const void* pointer, size_t alignment) noexcept { return reinterpret_cast<uintptr_t>(pointer) % alignment == 0; }

/// Null and alignment of an array of floats.
hf_status check_floats(const void* pointer, size_t alignment = sizeof(float)) noexcept {
    if (pointer == nullptr) {
        return HF_NULL_POINTER;
    }
    return is_aligned(pointer, alignment) ? HF_OK : HF_MISALIGNED;
}

hf_status check_range(int64_t value, int64_t low, int64_t high) noexcept { return value >= low && value <= high ? HF_OK : HF_BAD_SIZE; }

/// The first check that fails, in order.
template <class... Statuses>
hf_status first_failure(Statuses... statuses) noexcept {
    hf_status result = HF_OK;
    static_cast<void>(((result = statuses, result != HF_OK) || ...));
    return result;
}

hf_status find(int32_t number, const Variant*& variant) noexcept {
    if (number < 0 || number >= hipifast::variant_count()) {
        return HF_BAD_VARIANT;
    }
    variant = hipifast::variants()[number];
    return variant->is_compiled() && variant->why_not() == nullptr ? HF_OK : HF_UNSUPPORTED;
}

hf_status check_shape(int32_t hidden, int32_t outputs) noexcept {
    return first_failure(check_range(hidden, 1, HF_MAX_HIDDEN), check_range(outputs, 1, HF_MAX_OUTPUTS));
}

size_t network_bytes(const Variant& variant, const NetworkLayout& layout) noexcept {
    return layout.weight2 + variant.weight2_bytes(layout.hidden);
}

/// Checks what values and head have in common, and finds the network's variant and shape.
hf_status open_tile(const void* network, const hf_pair_vector* pairs, int32_t vectors, const float* scratch, NetworkHeader& header,
                    const Variant*& variant) noexcept {
    if (const hf_status status = first_failure(check_floats(network, Alignment), check_floats(pairs, alignof(hf_pair_vector)),
                                               check_floats(scratch, Alignment));
        status != HF_OK) {
        return status;
    }
    std::memcpy(&header, network, sizeof header);
    if (header.magic != hipifast::NetworkMagic || check_shape(header.hidden, header.outputs) != HF_OK ||
        find(header.variant, variant) != HF_OK) {
        return HF_BAD_NETWORK;
    }
    if (const hf_status status = check_range(vectors, 1, variant->tile_vectors); status != HF_OK) {
        return status;
    }
    for (int32_t v = 0; v < vectors; v++) {
        if (const hf_status status = first_failure(check_floats(pairs[v].broadcast), check_floats(pairs[v].lanes)); status != HF_OK) {
            return status;
        }
    }
    return HF_OK;
}

hf_status check_action(const hf_action_share& action, int32_t vectors) noexcept {
    return first_failure(check_floats(action.action), check_floats(action.weights), check_range(action.count, 1, HF_MAX_ACTIONS),
                         check_range(action.action_stride, static_cast<int64_t>(vectors) * HF_LANES, INT32_MAX));
}

}  // namespace

extern "C" {

int32_t hf_abi_version(void) { return HF_ABI_VERSION; }

const char* hf_status_message(int32_t status) {
    switch (status) {
        case HF_OK:
            return "success";
        case HF_NULL_POINTER:
            return "a pointer is null";
        case HF_MISALIGNED:
            return "a pointer is not aligned as it must be";
        case HF_BAD_SIZE:
            return "a count or width is out of its range";
        case HF_BAD_VARIANT:
            return "no variant has that number";
        case HF_UNSUPPORTED:
            return "the variant cannot run here";
        case HF_BAD_NETWORK:
            return "the packed network is not one, or was packed for other sizes";
        case HF_SMALL_BUFFER:
            return "a buffer is too small";
        case HF_INTERNAL:
            return "an unexpected failure inside the native library";
        default:
            return "an unknown status";
    }
}

int32_t hf_variant_count(void) { return hipifast::variant_count(); }

int32_t hf_variant(int32_t variant, hf_variant_info* info) {
    return guarded([&]() -> int32_t {
        if (info == nullptr) {
            return HF_NULL_POINTER;
        }
        if (!is_aligned(info, alignof(hf_variant_info))) {
            return HF_MISALIGNED;
        }
        if (variant < 0 || variant >= hipifast::variant_count()) {
            return HF_BAD_VARIANT;
        }
        const Variant& found = *hipifast::variants()[variant];
        const char* reason = found.is_compiled() ? found.why_not() : "the native library was built without code for it.";
        info->name = found.name;
        info->reason = reason == nullptr ? "" : reason;
        info->compiled = found.is_compiled() ? 1 : 0;
        info->supported = reason == nullptr ? 1 : 0;
        info->tested = found.is_tested ? 1 : 0;
        info->offered = found.is_offered ? 1 : 0;
        info->tile_vectors = found.tile_vectors;
        info->reserved = 0;
        return HF_OK;
    });
}

int32_t hf_hidden_stride(int32_t hidden) { return check_shape(hidden, 1) == HF_OK ? hipifast::round_up(hidden, HF_LANES) : 0; }

int32_t hf_network_bytes(int32_t variant, int32_t hidden, int32_t outputs, size_t* bytes) {
    return guarded([&]() -> int32_t {
        const Variant* found = nullptr;
        if (const hf_status status = first_failure(check_floats(bytes, alignof(size_t)), find(variant, found), check_shape(hidden, outputs));
            status != HF_OK) {
            return status;
        }
        *bytes = network_bytes(*found, NetworkLayout(hidden, outputs));
        return HF_OK;
    });
}

int32_t hf_pack_network(int32_t variant, int32_t hidden, int32_t outputs, const float* weight2, const float* bias2, const float* weight3,
                        int32_t output_stride, const float* bias3, void* network, size_t bytes) {
    return guarded([&]() -> int32_t {
        const Variant* found = nullptr;
        if (const hf_status status = first_failure(check_floats(weight2), check_floats(bias2), check_floats(weight3), check_floats(bias3),
                                                   check_floats(network, Alignment), find(variant, found), check_shape(hidden, outputs),
                                                   check_range(output_stride, outputs, INT32_MAX));
            status != HF_OK) {
            return status;
        }
        const NetworkLayout layout(hidden, outputs);
        if (bytes < network_bytes(*found, layout)) {
            return HF_SMALL_BUFFER;
        }
        const NetworkHeader header = {hipifast::NetworkMagic, variant, hidden, outputs};
        std::memset(network, 0, sizeof header);
        std::memcpy(network, &header, sizeof header);
        found->pack(layout, {weight2, bias2, weight3, output_stride, bias3}, static_cast<unsigned char*>(network));
        return HF_OK;
    });
}

int32_t hf_scratch_floats(int32_t variant, int32_t hidden, int32_t actions, size_t* floats) {
    return guarded([&]() -> int32_t {
        const Variant* found = nullptr;
        if (const hf_status status = first_failure(check_floats(floats, alignof(size_t)), find(variant, found), check_shape(hidden, 1),
                                                   check_range(actions, 0, HF_MAX_ACTIONS));
            status != HF_OK) {
            return status;
        }
        *floats = found->scratch_floats(hidden, actions);
        return HF_OK;
    });
}

int32_t hf_arrange_lanes(int32_t variant, float* share, int32_t hidden_stride) {
    return guarded([&]() -> int32_t {
        const Variant* found = nullptr;
        if (const hf_status status = first_failure(check_floats(share), find(variant, found), check_range(hidden_stride, 1, HF_MAX_HIDDEN),
                                                   hidden_stride % HF_LANES == 0 ? HF_OK : HF_BAD_SIZE);
            status != HF_OK) {
            return status;
        }
        found->arrange_lanes(share, hidden_stride);
        return HF_OK;
    });
}

int32_t hf_softq_values(const void* network, const hf_pair_vector* pairs, int32_t vectors, const hf_action_share* action, float* scratch,
                        size_t scratch_floats, float* values) {
    return guarded([&]() -> int32_t {
        NetworkHeader header;
        const Variant* variant = nullptr;
        if (const hf_status status = first_failure(check_floats(values), open_tile(network, pairs, vectors, scratch, header, variant));
            status != HF_OK) {
            return status;
        }
        if (header.outputs != 1) {
            return HF_BAD_NETWORK;
        }
        if (action != nullptr) {
            const hf_status status = is_aligned(action, alignof(hf_action_share)) ? check_action(*action, vectors) : HF_MISALIGNED;
            if (status != HF_OK) {
                return status;
            }
        }
        if (scratch_floats < variant->scratch_floats(header.hidden, action == nullptr ? 0 : action->count)) {
            return HF_SMALL_BUFFER;
        }
        variant->values(static_cast<const unsigned char*>(network), NetworkLayout(header.hidden, header.outputs), pairs, vectors, action, scratch,
                        values);
        return HF_OK;
    });
}

int32_t hf_softq_head(const void* network, const hf_pair_vector* pairs, int32_t vectors, float* scratch, size_t scratch_floats, float* head,
                      int32_t head_stride) {
    return guarded([&]() -> int32_t {
        NetworkHeader header;
        const Variant* variant = nullptr;
        if (const hf_status status = first_failure(check_floats(head), open_tile(network, pairs, vectors, scratch, header, variant),
                                                   check_range(head_stride, static_cast<int64_t>(vectors) * HF_LANES, INT32_MAX));
            status != HF_OK) {
            return status;
        }
        if (scratch_floats < variant->scratch_floats(header.hidden, 0)) {
            return HF_SMALL_BUFFER;
        }
        variant->head(static_cast<const unsigned char*>(network), NetworkLayout(header.hidden, header.outputs), pairs, vectors, scratch, head,
                      head_stride);
        return HF_OK;
    });
}

int32_t hf_multiply_add_loop(int32_t variant, int64_t iterations, double* flops) {
    return guarded([&]() -> int32_t {
        const Variant* found = nullptr;
        if (const hf_status status = first_failure(check_floats(flops, alignof(double)), find(variant, found), check_range(iterations, 1, INT32_MAX));
            status != HF_OK) {
            return status;
        }
        *flops = found->multiply_add_loop(iterations);
        return HF_OK;
    });
}

}  // extern "C"
