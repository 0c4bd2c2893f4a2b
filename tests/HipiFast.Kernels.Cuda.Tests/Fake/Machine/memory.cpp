#include "memory.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

namespace ptx {
namespace {

std::string hex(uint64_t value)
{
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
    return text;
}

} // namespace

void fill_poison(void *memory, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 4) {
        std::memcpy((uint8_t *)memory + at, &poison, std::min<size_t>(4, bytes - at));
    }
}

DeviceMemory &device_memory()
{
    static DeviceMemory memory;
    return memory;
}

uint64_t DeviceMemory::allocate(uint64_t bytes)
{
    if (bytes >= (1ull << region_bits) - first_offset) {
        return 0;
    }
    auto made = std::make_unique<Allocation>();
    made->address = ((uint64_t)(_allocations.size() + 1) << region_bits) + first_offset;
    made->bytes = bytes;
    made->data.reset(new (std::nothrow) uint8_t[bytes]);
    if (made->data == nullptr) {
        return 0;
    }
    made->writer.resize((bytes + 3) / 4);
    fill_poison(made->data.get(), bytes);
    _allocations.push_back(std::move(made));
    return _allocations.back()->address;
}

bool DeviceMemory::free(uint64_t address)
{
    Allocation *found = find(address);
    if (found == nullptr || found->address != address || found->is_freed) {
        return false;
    }
    found->is_freed = true;
    found->data.reset();
    found->writer = {};
    return true;
}

void DeviceMemory::clear() { _allocations.clear(); }

uint8_t *DeviceMemory::host(uint64_t address, uint64_t bytes)
{
    Allocation *found = find(address);
    return found != nullptr && !found->is_freed && bytes <= found->bytes - (address - found->address) ? found->data.get() + (address - found->address)
                                                                                                       : nullptr;
}

void DeviceMemory::copied_to(uint64_t address, uint64_t bytes)
{
    Allocation *found = find(address);
    uint64_t at = address - found->address;
    std::fill(found->writer.begin() + (int64_t)(at / 4), found->writer.begin() + (int64_t)((at + bytes + 3) / 4), 1u);
}

void DeviceMemory::copied(uint64_t to, uint64_t from, uint64_t bytes)
{
    // What nobody has written is no better for having been copied.
    Allocation *target = find(to), *source = find(from);
    uint64_t at = to - target->address, other = from - source->address;
    if (at % 4 != other % 4) {
        copied_to(to, bytes);
        return;
    }
    for (uint64_t word = 0; word < (at % 4 + bytes + 3) / 4; word++) {
        target->writer[at / 4 + word] = source->writer[other / 4 + word] != 0;
    }
}

std::string DeviceMemory::describe(uint64_t address, int bytes) const
{
    uint64_t index = (address >> region_bits) - 1;
    std::string what = std::to_string(bytes) + " bytes at the global address " + hex(address);
    if (index >= _allocations.size()) {
        return what + ", where no memory was ever allocated";
    }
    const Allocation &one = *_allocations[index];
    int64_t at = (int64_t)(address - one.address);
    return what + ", byte " + std::to_string(at) + " of an allocation of " + std::to_string(one.bytes)
           + (one.is_freed ? " that has been freed" : "");
}

void SharedMemory::layout(const std::vector<Region> &regions)
{
    _regions = regions;
    size_t total = 0;
    for (Region &region : _regions) {
        region.data = total;
        total += ((size_t)region.bytes + 15) / 16 * 16;
    }
    _data.resize(total);
    _write.resize(total / 4);
    _read.resize(total / 4);
}

void SharedMemory::begin()
{
    fill_poison(_data.data(), _data.size());
    std::fill(_write.begin(), _write.end(), 0u);
    std::fill(_read.begin(), _read.end(), 0u);
    _epoch = 1;
}

void SharedMemory::outside(uint64_t address, int bytes) const
{
    std::string known;
    for (const Region &region : _regions) {
        known += (known.empty() ? "; there are " : ", ") + region.name + " at " + hex(region.address) + " of " + std::to_string(region.bytes);
    }
    const char *generic = address - window < window_bytes ? " (a generic address)" : "";
    throw Fault("shared-out-of-bounds", std::to_string(bytes) + " bytes at the shared address " + hex(address) + generic + ", outside of every variable" + known);
}

std::string SharedMemory::where(size_t word) const
{
    for (size_t i = _regions.size(); i-- > 0;) {
        if (word * 4 >= _regions[i].data) {
            return "byte " + std::to_string(word * 4 - _regions[i].data) + " of " + _regions[i].name;
        }
    }
    return "nowhere";
}

void SharedMemory::bad_read(size_t first, size_t words, int warp) const
{
    for (size_t word = first; word < first + words; word++) {
        if (_write[word] == 0) {
            throw Fault("shared-never-written", "reads " + where(word) + ", which nobody has written");
        }
        if (_write[word] == pending) {
            throw Fault("copy-not-awaited", "reads " + where(word) + ", which a cp.async is still being copied to");
        }
        if (_write[word] >= _epoch << 6 && _write[word] != stamp(warp)) {
            throw Fault("shared-race", "warp " + std::to_string(warp) + " reads " + where(word) + ", which warp " + std::to_string(_write[word] & 63)
                                           + " has written since the last barrier");
        }
    }
    throw Fault("shared-race", "reads " + where(first));
}

void SharedMemory::bad_write(size_t word, int warp) const
{
    if (_write[word] == pending) {
        throw Fault("copy-not-awaited", "writes " + where(word) + ", which a cp.async is still being copied to");
    }
    bool written = _write[word] >= _epoch << 6 && _write[word] != stamp(warp);
    uint32_t other = (written ? _write[word] : _read[word]) & 63;
    throw Fault("shared-race", "warp " + std::to_string(warp) + " writes " + where(word) + ", which "
                                   + (other == many ? std::string("several warps have") : "warp " + std::to_string(other) + " has")
                                   + (written ? " written" : " read") + " since the last barrier");
}

} // namespace ptx
