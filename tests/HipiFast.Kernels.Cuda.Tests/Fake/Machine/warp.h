// A warp while it runs.
#pragma once
#include "program.h"

namespace ptx {

struct alignas(64) Unit {
    uint32_t lane[32];
};

struct Dimensions {
    uint32_t x = 1, y = 1, z = 1;
    uint64_t count() const { return (uint64_t)x * y * z; }
};

// A group of threads and what its warps share.
struct Group {
    const Function *function = nullptr;
    const uint8_t *parameters = nullptr;
    Dimensions groups, threads, index;
    SharedMemory shared;
    uint32_t dynamic_shared = 0;
    bool checks_unwritten = true; // whether reading device memory that nobody has written is a fault; else it reads the poison
    uint32_t turn = 0;       // this group's, among all that ever ran
    uint32_t first_turn = 0; // of the first group of this launch
    uint64_t instructions = 0, most_instructions = 0;
};

struct Warp {
    // Lanes that run together up to the instruction where they meet others.
    struct Frame {
        uint32_t at, meeting, lanes;
    };

    struct Copy {
        uint64_t from;
        size_t to;
        uint32_t lane;
        int bytes, source_bytes, group;
    };

    Group *group = nullptr;
    int index = 0;
    uint32_t threads = 0; // lanes that the group has threads for
    uint32_t live = 0;    // and that have not ended
    uint32_t active = 0;  // lanes of the instruction that runs
    bool is_full = false;
    alignas(64) uint32_t mask[32]; // of the active lanes, all ones each
    std::vector<Unit> file;
    std::vector<uint32_t> defined; // per unit: lanes that have been written
    std::vector<Frame> stack;
    std::vector<Copy> copies;
    int copy_group = 0;
    int barrier = -1; // the barrier that it waits at

    template <class T> T *lanes(uint32_t unit) { return reinterpret_cast<T *>(file[unit].lane); }
    void prepare(Group *of, int warp_index);
    void run(); // up to a barrier or the end
    bool is_done() const { return live == 0; }
    void finish_copies(int up_to_group);

private:
    void set_active(uint32_t lanes);
    [[noreturn]] void undefined(const Instruction &one) const;
    void branch(const Instruction &one, uint32_t taken);
    void branch_indexed(const Instruction &one);
    void leave(uint32_t lanes);
};

// The lanes whose 32 bits are not all zeros.
uint32_t mask_of(const uint32_t *lanes);

} // namespace ptx
