// What each kind of instruction takes.
#include "decode.h"

#include <algorithm>

namespace ptx {
namespace {

bool is_one_of(const std::string &word, std::initializer_list<const char *> words)
{
    return std::any_of(words.begin(), words.end(), [&](const char *one) { return word == one; });
}

// Said to caches and to the memory model, about which the machine has nothing to decide.
bool is_hint(const std::string &word)
{
    return is_one_of(word, {"volatile", "relaxed", "weak", "acquire", "release", "acq_rel", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc", "gpu", "sys", "cta"})
           || word.compare(0, 4, "L1::") == 0 || word.compare(0, 4, "L2::") == 0;
}

Type untyped(int size) { return size == 8 ? Type::B64 : size == 4 ? Type::B32 : size == 2 ? Type::B16 : Type::B8; }

} // namespace

void Decoder::decode_control(Instruction &made)
{
    const std::string &word = _statement->words[0];
    made.together = has("uni") ? Together::Uniform : Together::Any;
    if (word == "bra") {
        made.flow = Flow::Branch;
        made.target = (uint32_t)_parsed.labels.at(operand(0).name);
    } else if (word == "brx") {
        expect_operands(2, 2);
        made.flow = Flow::Indexed;
        read(operand(0), Type::U32);
        auto targets = _parsed.targets.find(operand(1).name);
        if (targets == _parsed.targets.end()) {
            fail("'" + operand(1).name + "' is no list of branch targets");
        }
        std::vector<uint32_t> table;
        for (const std::string &label : targets->second) {
            auto found = _parsed.labels.find(label);
            if (found == _parsed.labels.end()) {
                fail("no label '" + label + "'");
            }
            table.push_back((uint32_t)found->second);
        }
        made.target = (uint32_t)_function->tables.size();
        _function->tables.push_back(table);
    } else if (word == "ret" || word == "exit") {
        made.flow = Flow::Exit;
    } else if (has("warp")) {
        expect_operands(1, 1);
        made.run = run_warp_barrier;
        read(operand(0), Type::B32);
    } else if (has("sync")) {
        expect_operands(1, 1); // a number of threads is not known
        made.flow = Flow::Barrier;
        read(operand(0), Type::U32);
    } else {
        fail("a barrier of an unknown kind");
    }
}

void Decoder::decode_compare(Instruction &made)
{
    static const char *const combinations[] = {"and", "or", "xor"};
    const std::vector<std::string> &words = _statement->words;
    if (words.size() < 3) {
        fail("expected a relation and a type");
    }
    Type type = last_type();
    if ((made.run = find_comparison(words[1], type)) == nullptr) {
        fail("no such comparison");
    }
    for (size_t i = 2; i + 1 < words.size(); i++) {
        auto found = std::find(std::begin(combinations), std::end(combinations), words[i]);
        if (found == std::end(combinations)) {
            fail("setp knows no '." + words[i] + "'");
        }
        made.mode = (uint8_t)(1 + (found - std::begin(combinations)));
    }
    expect_operands(made.mode != 0 ? 4 : 3, made.mode != 0 ? 4 : 3);
    write(operand(0), Type::Pred);
    if (!operand(0).second.empty()) {
        _written.push_back(register_of(operand(0).second, Type::Pred, false));
    }
    read(operand(1), type);
    read(operand(2), type);
    if (made.mode != 0) {
        read(operand(3), Type::Pred);
        made.mode |= operand(3).negated ? 4 : 0;
    }
}

void Decoder::decode_convert(Instruction &made)
{
    const std::vector<std::string> &words = _statement->words;
    Type from = last_type(), to = words.size() > 2 ? parse_type(words[words.size() - 2]) : Type::None;
    if (to == Type::None || (made.run = find_conversion(to, from)) == nullptr) {
        fail("no such conversion");
    }
    std::string error;
    made.mode = conversion_mode({words.begin() + 1, words.end() - 2}, to, from, error);
    if (!error.empty()) {
        fail(error);
    }
    size_t sources = to == Type::BF16x2 ? 2 : 1;
    expect_operands(1 + sources, 1 + sources);
    write(operand(0), to == Type::BF16 ? Type::B16 : to, true);
    for (size_t i = 1; i <= sources; i++) {
        read(operand(i), from == Type::BF16 ? Type::B16 : from, true);
        if (bytes(from) < 8 && bytes(register_type(operand(i))) == 8) {
            fail("a source of 64 bits for a narrower type is not known");
        }
    }
    if (bytes(to) < 8 && bytes(register_type(operand(0))) == 8) {
        fail("a result of 64 bits for a narrower type is not known");
    }
}

void Decoder::decode_memory(Instruction &made)
{
    bool is_load = _statement->words[0] == "ld";
    Type type = last_type();
    made.space = space();
    made.size = (uint8_t)bytes(type);
    for (size_t i = 1; i + 1 < _statement->words.size(); i++) {
        const std::string &word = _statement->words[i];
        if (word == "v2" || word == "v4") {
            made.count = word == "v2" ? 2 : 4;
        } else if (!is_hint(word) && parse_type(word) == Type::None && made.space == Space::Generic) {
            fail("'." + word + "' is not known");
        }
    }
    expect_operands(2, 2);
    if (made.space == Space::Local || made.space == Space::Const) {
        fail(std::string("memory of the space '") + name(made.space) + "' is not known");
    }
    const Operand &value = operand(is_load ? 0 : 1);
    std::vector<Operand> values = value.kind == Operand::Kind::Vector ? value.parts : std::vector<Operand>{value};
    if ((int)values.size() != made.count) {
        fail("expected " + std::to_string(made.count) + " registers, found " + std::to_string(values.size()));
    }
    for (const Operand &one : values) {
        Type wide = register_type(one);
        bool is_wide = bytes(wide) == 8 && made.size < 8;
        if (is_load) {
            write(one, type, true);
            made.mode = (uint8_t)((is_wide ? 2 : 0) + (is_signed(type) && made.size < (is_wide ? 8 : 4) ? 1 : 0));
        }
        if (is_wide && (!is_load || made.count > 1)) {
            fail("a register of 64 bits for a narrower type is not known here");
        }
    }
    if (made.space == Space::Param) {
        decode_parameter_load(made);
        return;
    }
    _read.push_back(address(operand(is_load ? 1 : 0), made));
    if (!is_load) {
        for (const Operand &one : values) {
            read(one, type, true);
        }
    }
    made.run = is_load ? find_load(made.size, made.count) : find_store(made.size, made.count);
    if (made.run == nullptr) {
        fail("a vector of more than 16 bytes");
    }
}

void Decoder::decode_parameter_load(Instruction &made)
{
    const Operand &from = operand(1);
    auto found = std::find_if(_parsed.parameters.begin(), _parsed.parameters.end(), [&](const Parameter &one) { return one.name == from.name; });
    if (_statement->words[0] != "ld" || from.kind != Operand::Kind::Address || found == _parsed.parameters.end()) {
        fail("no such parameter");
    }
    int size = made.size * made.count;
    if (from.offset < 0 || from.offset + size > found->bytes || (found->offset + from.offset) % made.size != 0) {
        fail(std::to_string(size) + " bytes at " + std::to_string(from.offset) + " of the parameter " + found->name + ", which has " + std::to_string(found->bytes));
    }
    if (made.mode >= 2) {
        fail("a register of 64 bits for a narrower parameter is not known");
    }
    made.offset = found->offset + from.offset;
    made.run = run_parameter_load;
}

void Decoder::decode_atomic(Instruction &made)
{
    bool returns = _statement->words[0] == "atom";
    Type type = last_type();
    made.space = space();
    made.size = (uint8_t)bytes(type);
    std::string operation;
    for (size_t i = 1; i + 1 < _statement->words.size(); i++) {
        const std::string &word = _statement->words[i];
        if (!is_hint(word) && !is_one_of(word, {"global", "shared"})) {
            operation = word;
        }
    }
    if ((made.run = find_atomic(operation, type, !returns)) == nullptr) {
        fail("no such atomic operation");
    }
    size_t at = returns ? 1 : 0, values = operation == "cas" ? 2 : 1;
    expect_operands(at + 1 + values, at + 1 + values);
    if (returns) {
        write(operand(0), type);
    }
    _read.push_back(address(operand(at), made));
    for (size_t i = 0; i < values; i++) {
        read(operand(at + 1 + i), type);
    }
}

void Decoder::decode_copy(Instruction &made)
{
    const std::string whole = _statement->mnemonic();
    if (whole == "cp.async.commit_group") {
        expect_operands(0, 0);
        made.run = run_commit_copies;
    } else if (whole == "cp.async.wait_all" || whole == "cp.async.wait_group") {
        made.run = run_await_copies;
        made.mode = has("wait_all") ? 1 : 0;
        expect_operands(made.mode == 1 ? 0 : 1, made.mode == 1 ? 0 : 1);
        made.offset = made.mode == 1 ? 0 : (int64_t)operand(0).bits;
    } else if (has("async") && has("shared") && has("global") && (has("ca") || has("cg"))) {
        expect_operands(3, 4);
        int64_t size = (int64_t)operand(2).bits;
        if (operand(2).kind != Operand::Kind::Integer || !(size == 16 || (has("ca") && (size == 4 || size == 8)))) {
            fail("a copy of a size that there is none of");
        }
        made.space = Space::Global;
        Instruction source;
        source.space = Space::Global;
        uint32_t from = address(operand(1), source);
        if (source.offset != 0) {
            fail("an offset of the source is not known");
        }
        made.space = Space::Shared;
        _read.push_back(address(operand(0), made));
        _read.push_back(from);
        if (_statement->operands.size() == 4) {
            read(operand(3), Type::U32);
        }
        made.size = (uint8_t)size;
        made.run = run_copy_async;
    } else {
        fail("an unknown copy");
    }
}

void Decoder::decode_address(Instruction &made)
{
    expect_operands(2, 2);
    made.space = space();
    if ((made.space != Space::Shared && made.space != Space::Global) || last_type() != Type::U64) {
        fail("an unknown conversion of an address");
    }
    made.run = has("to") ? run_convert_to_space : run_convert_from_space;
    write(operand(0), Type::U64);
    read(operand(1), Type::U64);
}

void Decoder::decode_collective(Instruction &made)
{
    const std::string &word = _statement->words[0];
    if (word == "shfl") {
        static const char *const modes[] = {"up", "down", "bfly", "idx"};
        auto mode = std::find_if(std::begin(modes), std::end(modes), [&](const char *one) { return has(one); });
        if (!has("sync") || mode == std::end(modes) || last_type() != Type::B32) {
            fail("an unknown shuffle");
        }
        expect_operands(5, 5);
        made.mode = (uint8_t)(mode - std::begin(modes));
        made.run = run_shuffle;
        write(operand(0), Type::B32);
        if (!operand(0).second.empty()) {
            _written.push_back(register_of(operand(0).second, Type::Pred, false));
        }
        for (size_t i = 1; i < 5; i++) {
            read(operand(i), Type::B32);
        }
    } else if (word == "vote") {
        bool is_ballot = has("ballot");
        expect_operands(3, 3);
        made.run = is_ballot ? run_ballot : run_vote;
        made.mode = (uint8_t)((has("any") ? 1 : has("uni") ? 2 : 0) | (operand(1).negated ? 4 : 0));
        if (!has("sync") || !(is_ballot || has("all") || has("any") || has("uni"))) {
            fail("an unknown vote");
        }
        write(operand(0), is_ballot ? Type::B32 : Type::Pred);
        read(operand(1), Type::Pred);
        read(operand(2), Type::B32);
    } else if (word == "activemask") {
        expect_operands(1, 1);
        made.run = run_active_mask;
        write(operand(0), Type::B32);
    } else {
        expect_operands(0, 0);
        made.run = word == "trap" ? run_trap : run_fence;
    }
}

void Decoder::decode_matrix(Instruction &made)
{
    made.together = Together::Warp;
    const std::string whole = _statement->mnemonic();
    auto parts = [&](size_t index, size_t count, Type type, bool is_written) {
        const Operand &vector = operand(index);
        if (vector.kind != Operand::Kind::Vector || vector.parts.size() != count) {
            fail("expected a vector of " + std::to_string(count) + " registers");
        }
        for (const Operand &part : vector.parts) {
            is_written ? write(part, type) : read(part, type);
        }
    };
    if (whole == "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32") {
        expect_operands(4, 4);
        made.run = run_multiply_bf16;
        parts(0, 4, Type::F32, true);
        parts(1, 4, Type::B32, false);
        parts(2, 2, Type::B32, false);
        parts(3, 4, Type::F32, false);
    } else if (_statement->words[0] == "ldmatrix" && has("m8n8") && has("b16") && has("shared")) {
        expect_operands(2, 2);
        made.run = run_load_matrix;
        made.space = Space::Shared;
        made.mode = has("trans") ? 1 : 0;
        parts(0, has("x4") ? 4 : has("x2") ? 2 : 1, Type::B32, true);
        _read.push_back(address(operand(1), made));
    } else {
        fail("an unknown operation on matrices");
    }
}

void Decoder::decode_vector_move(Instruction &made)
{
    expect_operands(2, 2);
    bool packs = operand(1).kind == Operand::Kind::Vector;
    const Operand &vector = operand(packs ? 1 : 0);
    int total = bytes(last_type()), count = (int)vector.parts.size();
    if (operand(0).kind == operand(1).kind || total / count < 2 || total % count != 0) {
        fail("a vector that does not fill its register");
    }
    made.size = (uint8_t)(total / count);
    made.run = packs ? run_pack : run_unpack;
    auto scalar = [&] { packs ? write(operand(0), untyped(total)) : read(operand(1), untyped(total)); };
    if (packs) {
        scalar();
    }
    for (const Operand &part : vector.parts) {
        packs ? read(part, untyped(made.size)) : write(part, untyped(made.size));
    }
    if (!packs) {
        scalar();
    }
}

void Decoder::decode_plain(Instruction &made)
{
    const Operation *operation = find_operation(_statement->mnemonic());
    if (operation == nullptr) {
        fail("an unknown operation");
    }
    expect_operands(1 + operation->sources.size(), 1 + operation->sources.size());
    made.run = operation->run;
    write(operand(0), operation->destination);
    for (size_t i = 0; i < operation->sources.size(); i++) {
        if (operand(i + 1).negated || !operand(i + 1).second.empty()) {
            fail("a predicate cannot be negated here");
        }
        read(operand(i + 1), operation->sources[i]);
    }
}

} // namespace ptx
