// A function made ready to run: instructions with handlers, operands as places in a warp's registers, branches with the place where lanes meet again.
#pragma once
#include "memory.h"
#include "syntax.h"

#include <memory>

namespace ptx {

struct Warp;
struct Instruction;
using Handler = void (*)(Warp &, const Instruction &);

enum class Flow : uint8_t { Next, Branch, Indexed, Exit, Barrier };

// Which lanes must stand at an instruction together.
enum class Together : uint8_t { Any, Uniform, Warp }; // Uniform: all or none of those that are active (bra.uni); Warp: all 32

// A unit is 32 bits of each of the 32 lanes. Registers of 64 bits take two units in a row, 32 numbers of 64 bits.
struct Instruction {
    Handler run = nullptr;
    const uint32_t *operand = nullptr; // units: destinations first, then sources
    uint16_t destinations = 0, sources = 0;
    Flow flow = Flow::Next;
    Together together = Together::Any;
    bool is_guarded = false, is_negated = false;
    uint32_t guard = 0;
    uint32_t target = 0;    // branch: instruction; indexed branch: table
    uint32_t meeting = ~0u; // branch: where the lanes meet again; ~0 for the end
    int64_t offset = 0;     // address: bytes added
    Space space = Space::Generic;
    uint8_t size = 0, count = 1; // memory: bytes of an element, elements of a vector
    uint8_t mode = 0;            // what the handler makes of it
    int line = 0;
    mutable DeviceMemory::Allocation *last = nullptr; // where the last access went
};

enum class Special : uint8_t {
    ThreadX, ThreadY, ThreadZ, ThreadsX, ThreadsY, ThreadsZ, GroupX, GroupY, GroupZ, GroupsX, GroupsY, GroupsZ, Lane, WarpIndex, Warps,
    MaskEqual, MaskLess, MaskLessEqual, MaskGreater, MaskGreaterEqual, DynamicShared
};

struct Function {
    struct Constant {
        uint32_t unit;
        bool is_wide;
        uint64_t bits;
    };

    std::string name;
    std::vector<Parameter> parameters;
    int parameter_bytes = 0;
    std::vector<Instruction> code; // the last one exits
    std::vector<std::unique_ptr<uint32_t[]>> operands;
    std::vector<std::vector<uint32_t>> tables;
    std::vector<Constant> constants;
    std::vector<std::pair<uint32_t, Special>> specials;
    std::vector<SharedMemory::Region> shared; // static ones, then the dynamic one, if any, of 0 bytes
    int static_shared = 0;
    bool has_dynamic_shared = false;
    uint32_t units = 0;
    std::vector<std::string> unit_names; // of the register that begins at a unit
};

struct Module {
    std::vector<std::string> lines;
    std::string target;
    std::vector<std::unique_ptr<Function>> functions;

    Function *find(const std::string &name) const;
};

std::unique_ptr<Module> load(const std::string &text);

// An operation whose operands are registers or numbers alone: its handler and the types that its operands must have.
struct Operation {
    Handler run;
    Type destination;
    std::vector<Type> sources;
};

const Operation *find_operation(const std::string &mnemonic); // null for none of that name
Handler find_comparison(const std::string &relation, Type type); // setp; null for none
Handler find_conversion(Type to, Type from);                 // cvt; null for none
uint8_t conversion_mode(const std::vector<std::string> &modifiers, Type to, Type from, std::string &error);

// Those with addresses, by size and space; null where there is none.
Handler find_load(int size, int count);
Handler find_store(int size, int count);
Handler find_atomic(const std::string &operation, Type type, bool is_reduction);
extern const Handler run_parameter_load, run_convert_to_space, run_convert_from_space, run_copy_async, run_commit_copies, run_await_copies, run_shuffle,
    run_vote, run_ballot, run_active_mask, run_warp_barrier, run_fence, run_multiply_bf16, run_load_matrix, run_pack, run_unpack, run_trap;

} // namespace ptx
