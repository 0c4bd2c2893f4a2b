// PTX text as a tree: what a module declares, and the statements of its functions with names resolved to where they were declared.
#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ptx {

// A module that cannot be loaded: syntax, an unknown operation, operands of the wrong type.
struct LoadError : std::runtime_error {
    LoadError(int line, const std::string &what) : std::runtime_error("line " + std::to_string(line) + ": " + what) {}
};

enum class Type : uint8_t { None, Pred, B8, U8, S8, B16, U16, S16, F16, BF16, B32, U32, S32, F32, F16x2, BF16x2, B64, U64, S64, F64 };

Type parse_type(const std::string &word); // "s32"; None for a word that names no type
const char *name(Type type);
int bytes(Type type); // 4 for a predicate, which a lane keeps as all zeros or all ones
bool is_float(Type type);
bool is_signed(Type type);
bool is_untyped(Type type); // .bX: fits every type of its size

enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };
const char *name(Space space);

struct Operand {
    enum class Kind { Name, Integer, Float32, Float64, Vector, Address } kind = Kind::Name;
    std::string name;           // Name: register, symbol, label, special register; Address: its base, empty for none
    std::string second;         // the second of a pair "p|q"
    bool negated = false;       // "!p"
    uint64_t bits = 0;          // Integer, Float32, Float64
    int64_t offset = 0;         // Address: bytes added
    std::vector<Operand> parts; // Vector
};

struct Statement {
    int line = 0;
    std::string guard; // name of the predicate; empty for none
    bool guard_negated = false;
    std::vector<std::string> words; // "ld", "global", "v4", "f32"
    std::vector<Operand> operands;
    std::string mnemonic() const;
};

struct Variable {
    std::string name;
    Space space = Space::Shared;
    int alignment = 1;
    int64_t bytes = 0;
    bool external = false; // size decided by the launch
};

struct Parameter {
    std::string name;
    int alignment = 1, bytes = 0, offset = 0;
};

struct ParsedFunction {
    std::string name;
    int line = 0;
    std::vector<Parameter> parameters;
    int parameter_bytes = 0;
    std::map<std::string, Type> registers;
    std::vector<Variable> variables;
    std::vector<Statement> statements;
    std::map<std::string, int> labels;                       // index of the statement behind
    std::map<std::string, std::vector<std::string>> targets; // .branchtargets by their label
};

struct ParsedModule {
    std::string target;
    std::vector<std::string> lines;
    std::vector<Variable> variables;
    std::vector<ParsedFunction> functions;
};

ParsedModule parse(const std::string &text);

} // namespace ptx
