#include "decode.h"

#include <algorithm>

namespace ptx {
namespace {

const std::unordered_map<std::string, Special> special_names = {
    {"%tid.x", Special::ThreadX},         {"%tid.y", Special::ThreadY},       {"%tid.z", Special::ThreadZ},
    {"%ntid.x", Special::ThreadsX},       {"%ntid.y", Special::ThreadsY},     {"%ntid.z", Special::ThreadsZ},
    {"%ctaid.x", Special::GroupX},        {"%ctaid.y", Special::GroupY},      {"%ctaid.z", Special::GroupZ},
    {"%nctaid.x", Special::GroupsX},      {"%nctaid.y", Special::GroupsY},    {"%nctaid.z", Special::GroupsZ},
    {"%laneid", Special::Lane},           {"%warpid", Special::WarpIndex},    {"%nwarpid", Special::Warps},
    {"%lanemask_eq", Special::MaskEqual}, {"%lanemask_lt", Special::MaskLess}, {"%lanemask_le", Special::MaskLessEqual},
    {"%lanemask_gt", Special::MaskGreater}, {"%lanemask_ge", Special::MaskGreaterEqual},
    {"%dynamic_smem_size", Special::DynamicShared}};

bool fits(Type found, Type wanted, bool is_wide_allowed)
{
    if (found == Type::Pred || wanted == Type::Pred) {
        return found == wanted;
    }
    bool size = bytes(found) == bytes(wanted) || (is_wide_allowed && bytes(found) > bytes(wanted));
    return size && (is_untyped(found) || is_untyped(wanted) || is_float(found) == is_float(wanted));
}

} // namespace

Decoder::Decoder(const ParsedModule &module, const ParsedFunction &parsed) : _module(module), _parsed(parsed), _function(std::make_unique<Function>()) {}

void Decoder::fail(const std::string &what) const { throw LoadError(_statement->line, what + " (" + _statement->mnemonic() + ")"); }

const Operand &Decoder::operand(size_t index) const
{
    if (index >= _statement->operands.size()) {
        fail("too few operands");
    }
    return _statement->operands[index];
}

void Decoder::expect_operands(size_t least, size_t most) const
{
    size_t found = _statement->operands.size();
    if (found < least || found > most) {
        fail("expected " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") + " operands, found " + std::to_string(found));
    }
}

bool Decoder::has(const char *word) const { return std::find(_statement->words.begin() + 1, _statement->words.end(), word) != _statement->words.end(); }

Type Decoder::last_type() const
{
    Type type = parse_type(_statement->words.back());
    if (type == Type::None) {
        fail("the instruction names no type");
    }
    return type;
}

Space Decoder::space() const
{
    for (const std::string &word : _statement->words) {
        for (Space one : {Space::Global, Space::Shared, Space::Local, Space::Param, Space::Const}) {
            if (word == name(one) || word == std::string(name(one)) + "::cta") {
                return one;
            }
        }
    }
    return Space::Generic;
}

Type Decoder::register_type(const Operand &operand) const
{
    auto found = operand.kind == Operand::Kind::Name ? _registers.find(operand.name) : _registers.end();
    return found != _registers.end() ? found->second.type : Type::None;
}

uint32_t Decoder::register_of(const std::string &name, Type type, bool is_wide_allowed)
{
    auto found = _registers.find(name);
    if (found == _registers.end()) {
        fail("'" + name + "' is not declared");
    }
    if (!fits(found->second.type, type, is_wide_allowed)) {
        fail("register " + name + " of type ." + ptx::name(found->second.type) + " stands where one of type ." + ptx::name(type) + " must");
    }
    return found->second.unit;
}

uint32_t Decoder::constant(uint64_t bits, int size)
{
    bool is_wide = size == 8;
    bits &= size == 8 ? ~0ull : (1ull << (8 * size)) - 1;
    auto &known = is_wide ? _wide_constants : _constants;
    auto [found, is_new] = known.emplace(bits, _function->units);
    if (is_new) {
        _function->constants.push_back({_function->units, is_wide, bits});
        _function->units += is_wide ? 2 : 1;
        _function->unit_names.resize(_function->units, "a constant");
    }
    return found->second;
}

uint32_t Decoder::unit_of(const Operand &operand, Type type, bool is_written, bool is_wide_allowed)
{
    switch (operand.kind) {
    case Operand::Kind::Name: break;
    case Operand::Kind::Integer:
        if (type == Type::Pred && !is_written) {
            return constant(operand.bits != 0 ? ~0u : 0u, 4);
        }
        if (is_written || type == Type::F32 || type == Type::F64) {
            fail("a whole number stands where " + std::string(is_written ? "a register" : ".") + (is_written ? "" : name(type)) + " must");
        }
        return constant(operand.bits, bytes(type));
    case Operand::Kind::Float32:
    case Operand::Kind::Float64: {
        uint64_t bits = operand.bits;
        bool is_narrow = operand.kind == Operand::Kind::Float64 && bytes(type) == 4;
        if (is_narrow) {
            double wide;
            static_assert(sizeof wide == sizeof bits, "");
            __builtin_memcpy(&wide, &bits, sizeof wide);
            float value = (float)wide;
            uint32_t narrow;
            __builtin_memcpy(&narrow, &value, sizeof narrow);
            bits = narrow;
        }
        if (is_written || !(is_float(type) || is_untyped(type)) || bytes(type) != (operand.kind == Operand::Kind::Float32 || is_narrow ? 4 : 8)) {
            fail(std::string("a float stands where .") + name(type) + " must");
        }
        return constant(bits, bytes(type));
    }
    default: fail("an operand of the wrong kind");
    }

    if (operand.name == "_" && is_written) {
        return _sink;
    }
    auto special = special_names.find(operand.name);
    if (special != special_names.end()) {
        if (is_written || !fits(Type::U32, type, false)) {
            fail(operand.name + " cannot stand here");
        }
        auto [found, is_new] = _specials.emplace(operand.name, _function->units);
        if (is_new) {
            _function->specials.push_back({_function->units++, special->second});
            _function->unit_names.push_back(operand.name);
        }
        return found->second;
    }
    auto variable = _addresses.find(operand.name);
    if (variable != _addresses.end()) {
        if (is_written || bytes(type) != 8 || is_float(type)) {
            fail("the address of " + operand.name + " cannot stand here");
        }
        return constant(variable->second, 8);
    }
    if (operand.name == "WARP_SZ") {
        return constant(32, bytes(type));
    }
    return register_of(operand.name, type, is_wide_allowed);
}

uint32_t Decoder::address(const Operand &operand, Instruction &made)
{
    if (operand.kind != Operand::Kind::Address) {
        fail("expected an address in brackets");
    }
    made.offset = operand.offset;
    if (operand.name.empty()) {
        return constant(0, 8);
    }
    auto variable = _addresses.find(operand.name);
    if (variable != _addresses.end()) {
        if (made.space != Space::Shared) {
            fail("variable " + operand.name + " lies in shared memory");
        }
        return constant(variable->second, 8);
    }
    return register_of(operand.name, Type::B64, false);
}

void Decoder::layout_shared()
{
    std::vector<Variable> all = _parsed.variables;
    all.insert(all.end(), _module.variables.begin(), _module.variables.end());
    std::stable_partition(all.begin(), all.end(), [](const Variable &variable) { return !variable.external; });
    for (const Variable &variable : all) {
        uint64_t at = SharedMemory::address_of(_function->shared.size(), variable.alignment);
        _addresses[variable.name] = at;
        _function->shared.push_back({variable.name, at, variable.bytes, 0});
        if (variable.external) {
            _function->has_dynamic_shared = true;
        } else {
            int alignment = variable.alignment;
            _function->static_shared = (_function->static_shared + alignment - 1) / alignment * alignment + (int)variable.bytes;
        }
    }
}

std::unique_ptr<Function> Decoder::run()
{
    Function &function = *_function;
    function.name = _parsed.name;
    function.parameters = _parsed.parameters;
    function.parameter_bytes = _parsed.parameter_bytes;
    for (const auto &[name, type] : _parsed.registers) {
        _registers.emplace(name, Symbol{function.units, type});
        function.units += bytes(type) == 8 ? 2 : 1;
        function.unit_names.resize(function.units, name);
    }
    _sink = function.units;
    function.units += 2;
    function.unit_names.resize(function.units, "_");
    layout_shared();
    for (const Statement &statement : _parsed.statements) {
        function.code.push_back(decode(statement));
    }
    Instruction end;
    end.flow = Flow::Exit;
    function.code.push_back(end);
    meet();
    return std::move(_function);
}

Instruction Decoder::decode(const Statement &statement)
{
    using Decode = void (Decoder::*)(Instruction &);
    static const std::unordered_map<std::string, Decode> kinds = {
        {"bra", &Decoder::decode_control},       {"brx", &Decoder::decode_control},       {"ret", &Decoder::decode_control},
        {"exit", &Decoder::decode_control},      {"bar", &Decoder::decode_control},       {"barrier", &Decoder::decode_control},
        {"setp", &Decoder::decode_compare},      {"cvt", &Decoder::decode_convert},       {"ld", &Decoder::decode_memory},
        {"st", &Decoder::decode_memory},         {"atom", &Decoder::decode_atomic},       {"red", &Decoder::decode_atomic},
        {"cp", &Decoder::decode_copy},           {"cvta", &Decoder::decode_address},      {"shfl", &Decoder::decode_collective},
        {"vote", &Decoder::decode_collective},   {"activemask", &Decoder::decode_collective}, {"membar", &Decoder::decode_collective},
        {"fence", &Decoder::decode_collective},  {"trap", &Decoder::decode_collective},   {"mma", &Decoder::decode_matrix},
        {"ldmatrix", &Decoder::decode_matrix}};
    _statement = &statement;
    _written.clear();
    _read.clear();
    Instruction made;
    made.line = statement.line;
    if (!statement.guard.empty()) {
        made.is_guarded = true;
        made.is_negated = statement.guard_negated;
        made.guard = register_of(statement.guard, Type::Pred, false);
    }
    auto kind = kinds.find(statement.words[0]);
    bool has_vector = std::any_of(statement.operands.begin(), statement.operands.end(), [](const Operand &one) { return one.kind == Operand::Kind::Vector; });
    if (kind != kinds.end()) {
        (this->*kind->second)(made);
    } else if (statement.words[0] == "mov" && has_vector) {
        decode_vector_move(made);
    } else {
        decode_plain(made);
    }
    made.destinations = (uint16_t)_written.size();
    made.sources = (uint16_t)_read.size();
    auto operands = std::make_unique<uint32_t[]>(_written.size() + _read.size() + 1);
    std::copy(_read.begin(), _read.end(), std::copy(_written.begin(), _written.end(), operands.get()));
    made.operand = operands.get();
    _function->operands.push_back(std::move(operands));
    return made;
}

// The instruction where all ways from a branch meet again: its immediate post-dominator, by the algorithm of Cooper, Harvey and Kennedy on the
// graph turned around.
void Decoder::meet()
{
    std::vector<Instruction> &code = _function->code;
    size_t count = code.size(), exit = count;
    std::vector<std::vector<size_t>> next(count + 1), before(count + 1);
    auto connect = [&](size_t from, size_t to) {
        next[from].push_back(to);
        before[to].push_back(from);
    };
    for (size_t i = 0; i < count; i++) {
        const Instruction &one = code[i];
        if (one.flow == Flow::Branch) {
            connect(i, one.target);
        } else if (one.flow == Flow::Indexed) {
            for (uint32_t to : _function->tables[one.target]) {
                connect(i, to);
            }
        } else if (one.flow == Flow::Exit) {
            connect(i, exit);
        }
        bool goes_on = (one.flow != Flow::Branch && one.flow != Flow::Indexed && one.flow != Flow::Exit) || one.is_guarded;
        if (goes_on && i + 1 < count) {
            connect(i, i + 1);
        }
    }

    std::vector<size_t> order, rank(count + 1, 0);
    std::vector<bool> seen(count + 1);
    std::vector<std::pair<size_t, size_t>> path{{exit, 0}};
    seen[exit] = true;
    while (!path.empty()) {
        auto &[node, edge] = path.back();
        if (edge < before[node].size()) {
            size_t to = before[node][edge++];
            if (!seen[to]) {
                seen[to] = true;
                path.push_back({to, 0});
            }
        } else {
            rank[node] = order.size();
            order.push_back(node);
            path.pop_back();
        }
    }

    const size_t none = ~(size_t)0;
    std::vector<size_t> parent(count + 1, none);
    parent[exit] = exit;
    for (bool changes = true; changes;) {
        changes = false;
        for (size_t i = order.size(); i-- > 0;) {
            size_t node = order[i];
            if (node == exit) {
                continue;
            }
            size_t found = none;
            for (size_t to : next[node]) {
                if (parent[to] == none) {
                    continue;
                }
                if (found == none) {
                    found = to;
                    continue;
                }
                size_t other = to;
                while (found != other) {
                    while (rank[found] < rank[other]) {
                        found = parent[found];
                    }
                    while (rank[other] < rank[found]) {
                        other = parent[other];
                    }
                }
            }
            if (found != parent[node]) {
                parent[node] = found;
                changes = true;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        code[i].meeting = parent[i] == none || parent[i] == exit ? ~0u : (uint32_t)parent[i];
    }
}

Function *Module::find(const std::string &name) const
{
    for (const auto &function : functions) {
        if (function->name == name) {
            return function.get();
        }
    }
    return nullptr;
}

std::unique_ptr<Module> load(const std::string &text)
{
    ParsedModule parsed = parse(text);
    auto made = std::make_unique<Module>();
    for (const ParsedFunction &function : parsed.functions) {
        made->functions.push_back(Decoder(parsed, function).run());
    }
    made->lines = std::move(parsed.lines);
    made->target = parsed.target;
    return made;
}

} // namespace ptx
