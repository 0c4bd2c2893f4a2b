// Loads, stores, atomic operations, asynchronous copies and conversions of addresses (PTX ISA, "Data Movement and Conversion Instructions", "Parallel
// Synchronization and Communication Instructions").
#include "lanes.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace ptx {
namespace {

struct Place {
    uint8_t *data;
    bool is_shared;
    size_t at; // in shared memory, or bytes from the start of the allocation
    DeviceMemory::Allocation *allocation;
};

[[noreturn]] void misaligned(uint64_t address, int bytes, int lane)
{
    throw Fault("misaligned", "lane " + std::to_string(lane) + ": " + std::to_string(bytes) + " bytes at the address "
                                  + std::to_string(address) + ", which is no multiple of that");
}

// Where the bytes of an access lie.
inline Place locate(Warp &warp, const Instruction &one, uint64_t address, int bytes, int lane)
{
    if ((address & (uint64_t)(bytes - 1)) != 0) {
        misaligned(address, bytes, lane);
    }
    bool is_shared = one.space == Space::Shared;
    if (one.space == Space::Generic && address - SharedMemory::window < SharedMemory::window_bytes) {
        is_shared = true;
        address -= SharedMemory::window;
    }
    if (is_shared) {
        size_t at = warp.group->shared.locate(address, bytes);
        return {warp.group->shared.data() + at, true, at, nullptr};
    }
    DeviceMemory::Allocation *found = one.last;
    if (found == nullptr || address - found->address >= found->bytes) {
        one.last = found = device_memory().find(address);
    }
    if (found == nullptr || found->is_freed || (uint64_t)bytes > found->bytes - (address - found->address)) {
        throw Fault(found != nullptr && found->is_freed ? "freed-memory" : "out-of-bounds",
                    "lane " + std::to_string(lane) + ": " + device_memory().describe(address, bytes));
    }
    uint64_t at = address - found->address;
    return {found->data.get() + at, false, (size_t)at, found};
}

inline void check_read(Warp &warp, const Place &place, int bytes, int lane)
{
    if (place.is_shared) {
        warp.group->shared.read(place.at, bytes, warp.index);
        return;
    }
    const Group &group = *warp.group;
    for (size_t word = place.at / 4; word <= (place.at + (size_t)bytes - 1) / 4; word++) {
        uint32_t writer = place.allocation->writer[word];
        if ((writer == 0 && group.checks_unwritten) || (writer >= group.first_turn && writer != group.turn)) {
            throw Fault(writer == 0 ? "global-never-written" : "global-race",
                        "lane " + std::to_string(lane) + " reads "
                            + device_memory().describe(place.allocation->address + word * 4, 4)
                            + (writer == 0 ? ", which nobody has written" : ", which another group of this launch has written"));
        }
    }
}

inline void note_write(Warp &warp, const Place &place, int bytes, int lane, bool is_atomic = false)
{
    if (place.is_shared) {
        warp.group->shared.write(place.at, bytes, warp.index);
        return;
    }
    const Group &group = *warp.group;
    for (size_t word = place.at / 4; word <= (place.at + (size_t)bytes - 1) / 4; word++) {
        uint32_t &writer = place.allocation->writer[word];
        if (!is_atomic && bytes >= 4 && writer >= group.first_turn && writer != group.turn) {
            throw Fault("global-race", "lane " + std::to_string(lane) + " writes " + device_memory().describe(place.allocation->address + word * 4, 4)
                                           + ", which another group of this launch has written");
        }
        writer = is_atomic ? 1 : group.turn;
    }
}

inline uint64_t address_of(Warp &warp, const Instruction &one, uint32_t unit, int lane)
{
    return warp.lanes<uint64_t>(unit)[lane] + (uint64_t)one.offset;
}

// Elements of a lane from memory to its registers. Registers wider than the element: the decoder asked for the sign, or zeros.
template <class T, int Count> inline void to_registers(Warp &warp, const Instruction &one, const uint8_t *data, int l)
{
    T values[Count];
    std::memcpy(values, data, sizeof values);
    for (int i = 0; i < Count; i++) {
        if constexpr (sizeof(T) == 8) {
            warp.lanes<uint64_t>(one.operand[i])[l] = values[i];
        } else if (one.mode >= 2) {
            warp.lanes<uint64_t>(one.operand[i])[l] = one.mode == 3 ? (uint64_t)(int64_t)(std::make_signed_t<T>)values[i] : (uint64_t)values[i];
        } else {
            warp.lanes<uint32_t>(one.operand[i])[l] = one.mode == 1 ? (uint32_t)(int32_t)(std::make_signed_t<T>)values[i] : (uint32_t)values[i];
        }
    }
}

// Loads of whole words that all lie within one shared variable; false, with nothing said, for any other.
template <int Words> inline bool load_shared_words(Warp &warp, const Instruction &one, uint32_t base)
{
    constexpr uint64_t bytes = 4 * Words;
    const uint64_t *addresses = warp.lanes<uint64_t>(base);
    SharedMemory &shared = warp.group->shared;
    const SharedMemory::Region *region = shared.region_of(addresses[__builtin_ctz(warp.active)] + (uint64_t)one.offset);
    if (one.space != Space::Shared || one.mode != 0 || region == nullptr || (uint64_t)region->bytes < bytes) {
        return false;
    }
    uint32_t *to[Words];
    for (int i = 0; i < Words; i++) {
        to[i] = warp.lanes<uint32_t>(one.operand[i]);
    }
    uint64_t start = region->address - (uint64_t)one.offset, end = (uint64_t)region->bytes - bytes, before = ~0ull;
    const uint8_t *data = shared.data() + region->data;
    for (uint32_t left = warp.active; left != 0; left &= left - 1) {
        int l = __builtin_ctz(left);
        uint64_t at = addresses[l] - start;
        if (at > end || ((region->address + at) & (bytes - 1)) != 0) {
            return false;
        }
        // Lanes that read the same place read it once.
        if (at != before) {
            shared.read(region->data + at, bytes, warp.index);
            before = at;
        }
        uint32_t values[Words];
        std::memcpy(values, data + at, bytes);
        for (int i = 0; i < Words; i++) {
            to[i][l] = values[i];
        }
    }
    return true;
}

// Lanes that all lie well within the allocation that the instruction went to last; false, with nothing said, for any other.
template <class F> inline bool run_within_last(Warp &warp, const Instruction &one, uint32_t base, int bytes, F body)
{
    DeviceMemory::Allocation *last = one.last;
    bool overwrites_base = std::find(one.operand, one.operand + one.destinations, base) != one.operand + one.destinations;
    if (one.space != Space::Global || last == nullptr || last->is_freed || overwrites_base) {
        return false;
    }
    const uint64_t *addresses = warp.lanes<uint64_t>(base);
    uint64_t start = last->address - (uint64_t)one.offset, end = last->bytes - (uint64_t)bytes;
    for (uint32_t left = warp.active; left != 0; left &= left - 1) {
        int l = __builtin_ctz(left);
        uint64_t at = addresses[l] - start;
        if (at > end || (at & (uint64_t)(bytes - 1)) != 0 || !body(l, at)) {
            return false;
        }
    }
    return true;
}

template <class T, int Count> void load(Warp &warp, const Instruction &one)
{
    constexpr int bytes = (int)sizeof(T) * Count;
    uint32_t base = one.operand[Count], first = warp.group->first_turn, turn = warp.group->turn;
    bool is_strict = warp.group->checks_unwritten;
    bool is_done = run_within_last(warp, one, base, bytes, [&](int l, uint64_t at) {
        for (size_t word = at / 4; word <= (at + bytes - 1) / 4; word++) {
            uint32_t writer = one.last->writer[word];
            if ((writer == 0 && is_strict) || (writer >= first && writer != turn)) {
                return false;
            }
        }
        to_registers<T, Count>(warp, one, one.last->data.get() + at, l);
        return true;
    });
    if constexpr (sizeof(T) == 4) {
        is_done = is_done || load_shared_words<Count>(warp, one, base);
    }
    if (!is_done) {
        for_active(warp, [&](int l) {
            Place place = locate(warp, one, address_of(warp, one, base, l), bytes, l);
            check_read(warp, place, bytes, l);
            to_registers<T, Count>(warp, one, place.data, l);
        });
    }
}

template <class T, int Count> void store(Warp &warp, const Instruction &one)
{
    constexpr int bytes = (int)sizeof(T) * Count;
    uint64_t before = 0;
    int neighbour = -1;
    for_active(warp, [&](int l) {
        uint64_t address = address_of(warp, one, one.operand[0], l);
        Place place = locate(warp, one, address, bytes, l);
        note_write(warp, place, bytes, l);
        T values[Count];
        for (int i = 0; i < Count; i++) {
            values[i] = (T)(sizeof(T) == 8 ? warp.lanes<uint64_t>(one.operand[1 + i])[l] : warp.lanes<uint32_t>(one.operand[1 + i])[l]);
        }
        // Of lanes that write different values to one place any may win. Lanes in a row alone are compared: a cheap check of the usual mistake.
        if (neighbour >= 0 && before == address && std::memcmp(place.data, values, sizeof values) != 0) {
            throw Fault("lanes-write-one-place", "lanes " + std::to_string(neighbour) + " and " + std::to_string(l) + " write different values to one address");
        }
        before = address;
        neighbour = l;
        std::memcpy(place.data, values, sizeof values);
    });
}

// Parameters lie in the launch's own copy; the decoder has checked the range.
void load_parameter(Warp &warp, const Instruction &one)
{
    for (int i = 0; i < one.count; i++) {
        uint64_t value = 0;
        std::memcpy(&value, warp.group->parameters + one.offset + i * one.size, one.size);
        if (one.mode == 1) {
            value = (uint64_t)((int64_t)(value << (64 - 8 * one.size)) >> (64 - 8 * one.size));
        }
        for_active(warp, [&](int l) {
            if (one.size == 8) {
                warp.lanes<uint64_t>(one.operand[i])[l] = value;
            } else {
                warp.lanes<uint32_t>(one.operand[i])[l] = (uint32_t)value;
            }
        });
    }
}

// cvta.to.space: of a generic address. Of one that is not within that space, and of one that is no generic address, the result is undefined.
void convert_to_space(Warp &warp, const Instruction &one)
{
    const uint64_t *a = warp.lanes<uint64_t>(one.operand[1]);
    uint64_t *d = warp.lanes<uint64_t>(one.operand[0]);
    for_active(warp, [&](int l) {
        bool in_window = a[l] - SharedMemory::window < SharedMemory::window_bytes;
        if (one.space == Space::Shared && in_window) {
            d[l] = a[l] - SharedMemory::window;
        } else if (one.space == Space::Global && !in_window && (a[l] == 0 || a[l] >> DeviceMemory::region_bits != 0)) {
            d[l] = a[l];
        } else {
            char text[32];
            std::snprintf(text, sizeof text, "0x%llx", (unsigned long long)a[l]);
            throw Fault("wrong-space", "lane " + std::to_string(l) + ": cvta.to." + name(one.space) + " of " + text
                                           + ", which is no generic address of " + name(one.space) + " memory");
        }
    });
}

void convert_from_space(Warp &warp, const Instruction &one)
{
    const uint64_t *a = warp.lanes<uint64_t>(one.operand[1]);
    uint64_t base = one.space == Space::Shared ? SharedMemory::window : 0;
    Results<uint64_t>(warp, one).fill([=](int l) { return a[l] + base; });
}

template <class T, class F> void atomic(Warp &warp, const Instruction &one)
{
    bool returns = one.destinations == 1;
    const uint32_t *sources = one.operand + one.destinations;
    for_active(warp, [&](int l) {
        Place place = locate(warp, one, address_of(warp, one, sources[0], l), (int)sizeof(T), l);
        if (place.allocation != nullptr && place.allocation->writer[place.at / 4] == 0) {
            throw Fault("global-never-written", "lane " + std::to_string(l) + " updates what nobody has written");
        }
        note_write(warp, place, (int)sizeof(T), l, true);
        T old, b = warp.lanes<T>(sources[1])[l], c = one.sources == 3 ? warp.lanes<T>(sources[2])[l] : T();
        std::memcpy(&old, place.data, sizeof old);
        T made = F::of(old, b, c);
        std::memcpy(place.data, &made, sizeof made);
        if (returns) {
            warp.lanes<T>(one.operand[0])[l] = old;
        }
    });
}

struct AtomicAdd { template <class T> static T of(T old, T b, T) { return old + b; } };
struct AtomicMinimum { template <class T> static T of(T old, T b, T) { return b < old ? b : old; } };
struct AtomicMaximum { template <class T> static T of(T old, T b, T) { return b > old ? b : old; } };
struct AtomicAnd { template <class T> static T of(T old, T b, T) { return old & b; } };
struct AtomicOr { template <class T> static T of(T old, T b, T) { return old | b; } };
struct AtomicXor { template <class T> static T of(T old, T b, T) { return old ^ b; } };
struct AtomicExchange { template <class T> static T of(T, T b, T) { return b; } };
struct AtomicCompareExchange { template <class T> static T of(T old, T b, T c) { return old == b ? c : old; } };
struct AtomicIncrement { template <class T> static T of(T old, T b, T) { return old >= b ? 0 : old + 1; } };
struct AtomicDecrement { template <class T> static T of(T old, T b, T) { return old == 0 || old > b ? b : old - 1; } };

// cp.async: the copy happens as late as it may, when it is awaited.
void copy_async(Warp &warp, const Instruction &one)
{
    int bytes = one.size;
    for_active(warp, [&](int l) {
        uint64_t to = address_of(warp, one, one.operand[0], l), from = warp.lanes<uint64_t>(one.operand[1])[l];
        int source = one.sources == 3 ? (int)warp.lanes<uint32_t>(one.operand[2])[l] : bytes;
        if ((to & (uint64_t)(bytes - 1)) != 0 || (from & (uint64_t)(bytes - 1)) != 0) {
            misaligned((to & (uint64_t)(bytes - 1)) != 0 ? to : from, bytes, l);
        }
        size_t at = warp.group->shared.locate(to, bytes);
        warp.group->shared.begin_copy(at, bytes, warp.index);
        warp.copies.push_back({from, at, (uint32_t)l, bytes, source, warp.copy_group});
    });
}

void commit_copies(Warp &warp, const Instruction &) { warp.copy_group++; }

// wait_group n: all but the n youngest groups; wait_all: those not committed, too.
void await_copies(Warp &warp, const Instruction &one)
{
    if (one.mode == 1) {
        warp.copy_group++;
    }
    warp.finish_copies(warp.copy_group - (one.mode == 1 ? 0 : (int)one.offset));
}

template <class T> Handler loads_of(int count)
{
    return count == 1 ? load<T, 1> : count == 2 ? load<T, 2> : count == 4 && sizeof(T) <= 4 ? load<T, 4> : nullptr;
}

template <class T> Handler stores_of(int count)
{
    return count == 1 ? store<T, 1> : count == 2 ? store<T, 2> : count == 4 && sizeof(T) <= 4 ? store<T, 4> : nullptr;
}

template <class T> Handler atomics_of(const std::string &operation)
{
    if (operation == "add") {
        return atomic<T, AtomicAdd>;
    }
    if constexpr (std::is_integral_v<T>) {
        return operation == "min"    ? atomic<T, AtomicMinimum>
               : operation == "max"  ? atomic<T, AtomicMaximum>
               : operation == "and"  ? atomic<T, AtomicAnd>
               : operation == "or"   ? atomic<T, AtomicOr>
               : operation == "xor"  ? atomic<T, AtomicXor>
               : operation == "exch" ? atomic<T, AtomicExchange>
               : operation == "cas"  ? atomic<T, AtomicCompareExchange>
               : operation == "inc"  ? atomic<T, AtomicIncrement>
               : operation == "dec"  ? atomic<T, AtomicDecrement>
                                     : nullptr;
    }
    return nullptr;
}

} // namespace

void Warp::finish_copies(int up_to_group)
{
    size_t kept = 0;
    for (const Copy &copy : copies) {
        if (copy.group >= up_to_group || (active >> copy.lane & 1) == 0) {
            copies[kept++] = copy;
            continue;
        }
        Instruction access;
        access.space = Space::Global;
        uint8_t *to = group->shared.data() + copy.to;
        std::memset(to, 0, (size_t)copy.bytes);
        if (copy.source_bytes > 0) {
            Place place = locate(*this, access, copy.from, copy.bytes, (int)copy.lane);
            check_read(*this, place, copy.source_bytes, (int)copy.lane);
            std::memcpy(to, place.data, (size_t)copy.source_bytes);
        }
        group->shared.end_copy(copy.to, copy.bytes, index);
    }
    copies.resize(kept);
}

Handler find_load(int size, int count)
{
    return size == 1 ? loads_of<uint8_t>(count) : size == 2 ? loads_of<uint16_t>(count) : size == 4 ? loads_of<uint32_t>(count) : loads_of<uint64_t>(count);
}

Handler find_store(int size, int count)
{
    return size == 1 ? stores_of<uint8_t>(count) : size == 2 ? stores_of<uint16_t>(count) : size == 4 ? stores_of<uint32_t>(count) : stores_of<uint64_t>(count);
}

Handler find_atomic(const std::string &operation, Type type, bool)
{
    switch (type) {
    case Type::U32: return atomics_of<uint32_t>(operation);
    case Type::B32: return operation == "add" ? nullptr : atomics_of<uint32_t>(operation);
    case Type::S32: return atomics_of<int32_t>(operation);
    case Type::U64: return atomics_of<uint64_t>(operation);
    case Type::B64: return operation == "add" ? nullptr : atomics_of<uint64_t>(operation);
    case Type::S64: return operation == "add" ? nullptr : atomics_of<int64_t>(operation);
    case Type::F32: return atomics_of<float>(operation);
    case Type::F64: return atomics_of<double>(operation);
    default: return nullptr;
    }
}

const Handler run_parameter_load = load_parameter, run_convert_to_space = convert_to_space, run_convert_from_space = convert_from_space,
              run_copy_async = copy_async, run_commit_copies = commit_copies, run_await_copies = await_copies;

} // namespace ptx
