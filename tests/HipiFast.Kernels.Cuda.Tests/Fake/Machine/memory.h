// Device memory and a group's shared memory, with what hardware leaves undefined made into named faults.
#pragma once
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ptx {

// What a kernel did that it may not do. The name is for tests and readers alike: "shared-race", "out-of-bounds", ...
struct Fault : std::runtime_error {
    Fault(const std::string &fault_name, const std::string &what) : std::runtime_error(what), name(fault_name) {}
    std::string name;
};

// The pattern of memory that nobody has written: a NaN as one fp32 and as two bf16 numbers, far out of range as an index.
constexpr uint32_t poison = 0x7FEF7FEF;
void fill_poison(void *memory, size_t bytes);

// Device memory. Every allocation has 4 GiB of addresses of its own, aligned to 256 bytes and no more, which are never given out again: an index that
// runs out of one does not end in another, and the address of freed memory is known for what it is.
class DeviceMemory {
public:
    struct Allocation {
        uint64_t address = 0, bytes = 0;
        std::unique_ptr<uint8_t[]> data;
        // For every word: 0 while nobody has written it, 1 for a copy, else the turn of the group that wrote it last.
        std::vector<uint32_t> writer;
        bool is_freed = false;
    };

    static constexpr int region_bits = 32;
    static constexpr uint64_t first_offset = 256;

    uint64_t allocate(uint64_t bytes); // 0 where the host has no memory left
    bool free(uint64_t address);       // false for what is no live allocation's address
    void clear();

    // The allocation that an address lies in, live or freed; null for none.
    Allocation *find(uint64_t address)
    {
        uint64_t index = (address >> region_bits) - 1;
        Allocation *found = index < _allocations.size() ? _allocations[index].get() : nullptr;
        return found != nullptr && address >= found->address && address - found->address < found->bytes ? found : nullptr;
    }

    // The memory behind a live range, for copies; null where there is none.
    uint8_t *host(uint64_t address, uint64_t bytes);
    void copied_to(uint64_t address, uint64_t bytes);             // written by a copy from the host or a fill
    void copied(uint64_t to, uint64_t from, uint64_t bytes);      // by a copy within the device
    std::string describe(uint64_t address, int bytes) const; // why a kernel may not touch it

private:
    std::vector<std::unique_ptr<Allocation>> _allocations;
};

DeviceMemory &device_memory();

// Shared memory of one group. A variable has 1 MiB of addresses of its own and begins at an address that is aligned as it asks for and no more.
class SharedMemory {
public:
    struct Region {
        std::string name;
        uint64_t address;
        int64_t bytes;
        size_t data;
    };

    static constexpr int region_bits = 20;

    // Where the shared window begins among generic addresses.
    static constexpr uint64_t window = 0x00007E5A00000000ull;
    static constexpr uint64_t window_bytes = 1ull << 32;

    static uint64_t address_of(size_t index, int alignment) { return ((uint64_t)(index + 1) << region_bits) + (uint64_t)(alignment < 4 ? 4 : alignment); }

    void layout(const std::vector<Region> &regions); // data offsets are set here
    void begin();                                    // a new group: nothing has been written

    // The bytes behind an address, or a fault.
    size_t locate(uint64_t address, int bytes) const
    {
        uint64_t index = (address >> region_bits) - 1;
        if (index < _regions.size()) {
            const Region &region = _regions[index];
            int64_t at = (int64_t)(address - region.address);
            if (at >= 0 && at + bytes <= region.bytes) {
                return region.data + (size_t)at;
            }
        }
        outside(address, bytes);
    }

    // The variable whose addresses these are; null for none.
    const Region *region_of(uint64_t address) const
    {
        uint64_t index = (address >> region_bits) - 1;
        return index < _regions.size() ? &_regions[index] : nullptr;
    }

    void read(size_t at, int bytes, int warp)
    {
        size_t first = at / 4, words = (at + (size_t)bytes - 1) / 4 - first + 1;
        if (!(words == 4 ? try_read<4>(first, warp) : words == 2 ? try_read<2>(first, warp) : try_read<1>(first, warp))) {
            bad_read(first, words, warp);
        }
    }

    void write(size_t at, int bytes, int warp)
    {
        size_t first = at / 4, end = (at + (size_t)bytes - 1) / 4 + 1;
        for (size_t word = first; word < end; word++) {
            check_write(word, warp);
            _write[word] = stamp(warp);
        }
    }

    // A copy that has been begun: nobody may touch its target until it has been awaited.
    void begin_copy(size_t at, int bytes, int warp)
    {
        for (size_t word = at / 4; word < (at + (size_t)bytes) / 4; word++) {
            check_write(word, warp);
            _write[word] = pending;
        }
    }

    void end_copy(size_t at, int bytes, int warp)
    {
        for (size_t word = at / 4; word < (at + (size_t)bytes) / 4; word++) {
            _write[word] = stamp(warp);
        }
    }

    void barrier() { _epoch++; }
    uint8_t *data() { return _data.data(); }

private:
    // Who wrote and who read a word last, as epoch * 64 + warp; an epoch lies between two barriers of the whole group. So what is below the epoch's first
    // number happened before the last barrier, and what is not and is another warp's, since.
    static constexpr uint32_t pending = ~0u, many = 63;

    uint32_t stamp(int warp) const { return _epoch << 6 | (uint32_t)warp; }

    template <size_t Words> bool try_read(size_t first, int warp)
    {
        uint32_t since = _epoch << 6, own = stamp(warp), bad = 0;
        const uint32_t *write = &_write[first];
        uint32_t *read = &_read[first];
        for (size_t i = 0; i < Words; i++) {
            bad |= (uint32_t)(write[i] == 0) | ((uint32_t)(write[i] >= since) & (uint32_t)(write[i] != own));
        }
        for (size_t i = 0; i < Words; i++) {
            read[i] = read[i] < since ? own : read[i] == own ? own : read[i] | many;
        }
        return bad == 0;
    }

    void check_write(size_t word, int warp) const
    {
        uint32_t since = _epoch << 6, own = stamp(warp);
        if ((_write[word] >= since && _write[word] != own) || (_read[word] >= since && _read[word] != own)) {
            bad_write(word, warp);
        }
    }

    [[noreturn]] void outside(uint64_t address, int bytes) const;
    [[noreturn]] void bad_read(size_t first, size_t words, int warp) const;
    [[noreturn]] void bad_write(size_t word, int warp) const;
    std::string where(size_t word) const;

    std::vector<Region> _regions;
    std::vector<uint8_t> _data;
    std::vector<uint32_t> _write, _read;
    uint32_t _epoch = 1;
};

} // namespace ptx
