// Makes statements into instructions.
#pragma once
#include "program.h"

#include <unordered_map>

namespace ptx {

class Decoder {
public:
    Decoder(const ParsedModule &module, const ParsedFunction &parsed);
    std::unique_ptr<Function> run();

private:
    struct Symbol {
        uint32_t unit;
        Type type;
    };

    Instruction decode(const Statement &statement);
    void decode_control(Instruction &made);
    void decode_compare(Instruction &made);
    void decode_convert(Instruction &made);
    void decode_memory(Instruction &made);
    void decode_parameter_load(Instruction &made);
    void decode_atomic(Instruction &made);
    void decode_copy(Instruction &made);
    void decode_address(Instruction &made);
    void decode_collective(Instruction &made);
    void decode_matrix(Instruction &made);
    void decode_vector_move(Instruction &made);
    void decode_plain(Instruction &made);

    [[noreturn]] void fail(const std::string &what) const;
    const Operand &operand(size_t index) const;
    void expect_operands(size_t least, size_t most) const;
    bool has(const char *word) const; // a modifier
    Type last_type() const;
    Space space() const;

    // The unit of an operand that is read or written as a type; where is_wide_allowed, a register may have more bits.
    uint32_t unit_of(const Operand &operand, Type type, bool is_written, bool is_wide_allowed = false);
    uint32_t register_of(const std::string &name, Type type, bool is_wide_allowed);
    uint32_t constant(uint64_t bits, int size);
    uint32_t address(const Operand &operand, Instruction &made); // the unit of its base
    Type register_type(const Operand &operand) const;            // None for what is no register
    void write(const Operand &operand, Type type, bool is_wide_allowed = false) { _written.push_back(unit_of(operand, type, true, is_wide_allowed)); }
    void read(const Operand &operand, Type type, bool is_wide_allowed = false) { _read.push_back(unit_of(operand, type, false, is_wide_allowed)); }
    void layout_shared();
    void meet();

    const ParsedModule &_module;
    const ParsedFunction &_parsed;
    std::unique_ptr<Function> _function;
    std::unordered_map<std::string, Symbol> _registers;
    std::unordered_map<std::string, uint64_t> _addresses; // of shared variables
    std::unordered_map<uint64_t, uint32_t> _constants, _wide_constants;
    std::unordered_map<std::string, uint32_t> _specials;
    uint32_t _sink = 0;
    const Statement *_statement = nullptr;
    std::vector<uint32_t> _written, _read;
};

} // namespace ptx
