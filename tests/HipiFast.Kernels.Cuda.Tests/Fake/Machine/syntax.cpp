#include "syntax.h"

#include <cctype>
#include <cstdlib>
#include <cstring>

namespace ptx {
namespace {

struct TypeName {
    const char *name;
    Type type;
    int bytes;
};

const TypeName type_names[] = {
    {"none", Type::None, 0},  {"pred", Type::Pred, 4},     {"b8", Type::B8, 1},         {"u8", Type::U8, 1},   {"s8", Type::S8, 1},
    {"b16", Type::B16, 2},    {"u16", Type::U16, 2},       {"s16", Type::S16, 2},       {"f16", Type::F16, 2}, {"bf16", Type::BF16, 2},
    {"b32", Type::B32, 4},    {"u32", Type::U32, 4},       {"s32", Type::S32, 4},       {"f32", Type::F32, 4}, {"f16x2", Type::F16x2, 4},
    {"bf16x2", Type::BF16x2, 4}, {"b64", Type::B64, 8},    {"u64", Type::U64, 8},       {"s64", Type::S64, 8}, {"f64", Type::F64, 8},
};

struct Token {
    enum class Kind { Word, Number, Text, Mark, End } kind;
    std::string text;
    int line;
};

bool starts_word(char c) { return std::isalpha((unsigned char)c) || c == '_' || c == '$' || c == '%' || c == '.'; }
bool continues_word(char c) { return std::isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.'; }

std::vector<Token> tokenize(const std::string &text)
{
    std::vector<Token> tokens;
    int line = 1;
    for (size_t at = 0; at < text.size();) {
        char c = text[at];
        if (c == '\n') {
            line++;
            at++;
        } else if (std::isspace((unsigned char)c)) {
            at++;
        } else if (text.compare(at, 2, "//") == 0) {
            while (at < text.size() && text[at] != '\n') {
                at++;
            }
        } else if (text.compare(at, 2, "/*") == 0) {
            size_t end = text.find("*/", at + 2);
            if (end == std::string::npos) {
                throw LoadError(line, "a comment does not end");
            }
            for (; at < end + 2; at++) {
                line += text[at] == '\n';
            }
        } else if (c == '"') {
            size_t end = text.find('"', at + 1);
            if (end == std::string::npos) {
                throw LoadError(line, "a string does not end");
            }
            tokens.push_back({Token::Kind::Text, text.substr(at + 1, end - at - 1), line});
            at = end + 1;
        } else if (starts_word(c)) {
            size_t end = at + 1;
            // "::" joins words of a modifier: L2::128B.
            while (end < text.size() && (continues_word(text[end]) || (text.compare(end, 2, "::") == 0 && text[end - 1] != ':')
                                         || (text[end] == ':' && text[end - 1] == ':'))) {
                end++;
            }
            tokens.push_back({Token::Kind::Word, text.substr(at, end - at), line});
            at = end;
        } else if (std::isdigit((unsigned char)c)) {
            size_t end = at + 1;
            while (end < text.size()
                   && (std::isalnum((unsigned char)text[end]) || text[end] == '.'
                       || ((text[end] == '-' || text[end] == '+') && (text[end - 1] == 'e' || text[end - 1] == 'E') && text[at + 1] != 'x'
                           && text[at + 1] != 'f' && text[at + 1] != 'd'))) {
                end++;
            }
            tokens.push_back({Token::Kind::Number, text.substr(at, end - at), line});
            at = end;
        } else if (std::strchr(",;:{}[]()<>+-!|@=", c) != nullptr) {
            tokens.push_back({Token::Kind::Mark, std::string(1, c), line});
            at++;
        } else {
            throw LoadError(line, std::string("unexpected character '") + c + "'");
        }
    }
    tokens.push_back({Token::Kind::End, "", line});
    return tokens;
}

std::vector<std::string> split(const std::string &word)
{
    std::vector<std::string> parts;
    size_t at = 0;
    while (true) {
        size_t dot = word.find('.', at);
        parts.push_back(word.substr(at, dot - at));
        if (dot == std::string::npos) {
            return parts;
        }
        at = dot + 1;
    }
}

class Parser {
public:
    explicit Parser(const std::string &text) : _tokens(tokenize(text))
    {
        size_t at = 0;
        while (at <= text.size()) {
            size_t end = text.find('\n', at);
            _module.lines.push_back(text.substr(at, end == std::string::npos ? end : end - at));
            if (end == std::string::npos) {
                break;
            }
            at = end + 1;
        }
    }

    ParsedModule run()
    {
        bool has_version = false;
        while (here().kind != Token::Kind::End) {
            std::string word = take().text;
            if (word == ".version") {
                has_version = true;
                take();
            } else if (word == ".target") {
                _module.target = take().text;
                while (accept(",")) {
                    take();
                }
            } else if (word == ".address_size") {
                if (take().text != "64") {
                    fail("only addresses of 64 bits are known");
                }
            } else if (word == ".visible" || word == ".weak" || word == ".extern") {
                _external = word == ".extern";
            } else if (word == ".shared") {
                variable(_module.variables);
                _external = false;
            } else if (word == ".entry") {
                function();
            } else {
                fail("unexpected '" + word + "'");
            }
        }
        if (!has_version || _module.target.empty()) {
            fail("missing .version or .target directive");
        }
        return std::move(_module);
    }

private:
    const Token &here() const { return _tokens[_at]; }
    const Token &take() { return _tokens[_at + 1 < _tokens.size() ? _at++ : _at]; }
    [[noreturn]] void fail(const std::string &what) const { throw LoadError(here().line, what); }

    bool is(const char *text) const { return here().kind != Token::Kind::Text && here().text == text; }

    bool accept(const char *text)
    {
        bool found = is(text);
        if (found) {
            take();
        }
        return found;
    }

    void expect(const char *text)
    {
        if (!accept(text)) {
            fail(std::string("expected '") + text + "', found '" + here().text + "'");
        }
    }

    int64_t integer()
    {
        bool negative = accept("-");
        if (here().kind != Token::Kind::Number) {
            fail("expected a number, found '" + here().text + "'");
        }
        std::string text = take().text;
        char *end;
        uint64_t value = std::strtoull(text.c_str(), &end, 0);
        if (*end != 0 && std::strcmp(end, "U") != 0) {
            fail("'" + text + "' is no whole number");
        }
        return negative ? -(int64_t)value : (int64_t)value;
    }

    // Behind ".shared" or ".param": [.align N] .type name [ '[' N ']' ]
    void declaration(std::string &name, int &alignment, int64_t &size, bool &open)
    {
        Type type = Type::None;
        alignment = 0;
        while (here().kind == Token::Kind::Word && here().text[0] == '.') {
            std::string word = take().text;
            if (word == ".align") {
                alignment = (int)integer();
            } else if (word == ".ptr" || word == ".global") {
                continue;
            } else if ((type = parse_type(word.substr(1))) == Type::None) {
                fail("unexpected '" + word + "'");
            }
        }
        if (type == Type::None || here().kind != Token::Kind::Word) {
            fail("a declaration without type or name");
        }
        name = take().text;
        size = bytes(type);
        open = false;
        while (accept("[")) {
            if (accept("]")) {
                open = true;
                size = 0;
            } else {
                size *= integer();
                expect("]");
            }
        }
        alignment = alignment == 0 ? bytes(type) : alignment;
    }

    void variable(std::vector<Variable> &variables)
    {
        Variable made;
        bool open;
        declaration(made.name, made.alignment, made.bytes, open);
        made.external = _external;
        if (open != _external) {
            fail("variable '" + made.name + "' has " + (open ? "no size" : "a size, but lies elsewhere"));
        }
        expect(";");
        variables.push_back(made);
    }

    void function()
    {
        ParsedFunction made;
        made.line = here().line;
        made.name = take().text;
        if (accept("(")) {
            while (!accept(")")) {
                expect(".param");
                Parameter parameter;
                int64_t size;
                bool open;
                declaration(parameter.name, parameter.alignment, size, open);
                parameter.bytes = (int)size;
                made.parameter_bytes = (made.parameter_bytes + parameter.alignment - 1) / parameter.alignment * parameter.alignment;
                parameter.offset = made.parameter_bytes;
                made.parameter_bytes += parameter.bytes;
                made.parameters.push_back(parameter);
                if (!is(")")) {
                    expect(",");
                }
            }
        }
        while (is(".maxntid") || is(".reqntid") || is(".minnctapersm") || is(".maxnreg")) {
            take();
            do {
                integer();
            } while (accept(","));
        }
        _scopes.clear();
        _function = &made;
        block();
        for (const Statement &statement : made.statements) {
            if (statement.words[0] == "bra" && (statement.operands.size() != 1 || made.labels.count(statement.operands[0].name) == 0)) {
                throw LoadError(statement.line, "a branch to no label");
            }
        }
        _module.functions.push_back(std::move(made));
    }

    void block()
    {
        expect("{");
        _scopes.emplace_back();
        std::string label;
        while (!accept("}")) {
            if (is("{")) {
                block();
            } else if (here().kind == Token::Kind::Word && _tokens[_at + 1].text == ":") {
                label = take().text;
                take();
                if (!_function->labels.emplace(label, (int)_function->statements.size()).second) {
                    fail("label '" + label + "' stands twice");
                }
            } else if (accept(".reg")) {
                registers();
            } else if (accept(".shared")) {
                variable(_function->variables);
            } else if (accept(".branchtargets")) {
                do {
                    _function->targets[label].push_back(take().text);
                } while (accept(","));
                expect(";");
            } else if (accept(".loc") || accept(".pragma")) {
                int line = here().line;
                while (here().line == line && !is(";")) {
                    take();
                }
                accept(";");
            } else {
                statement();
            }
        }
        _scopes.pop_back();
    }

    void registers()
    {
        Type type = parse_type(take().text.substr(1));
        if (type == Type::None) {
            fail("registers of no known type");
        }
        do {
            std::string name = take().text;
            if (accept("<")) {
                int64_t count = integer();
                expect(">");
                for (int64_t i = 0; i < count; i++) {
                    declare(name + std::to_string(i), type);
                }
            } else {
                declare(name, type);
            }
        } while (accept(","));
        expect(";");
    }

    void declare(const std::string &name, Type type)
    {
        std::string unique = _scopes.size() == 1 ? name : name + "#" + std::to_string(++_unique);
        if (!_scopes.back().emplace(name, unique).second) {
            fail("register '" + name + "' is declared twice");
        }
        _function->registers.emplace(unique, type);
    }

    std::string resolve(const std::string &name) const
    {
        for (size_t i = _scopes.size(); i-- > 0;) {
            auto found = _scopes[i].find(name);
            if (found != _scopes[i].end()) {
                return found->second;
            }
        }
        return name;
    }

    void statement()
    {
        Statement made;
        made.line = here().line;
        if (accept("@")) {
            made.guard_negated = accept("!");
            made.guard = resolve(take().text);
        }
        if (here().kind != Token::Kind::Word) {
            fail("expected an instruction, found '" + here().text + "'");
        }
        made.words = split(take().text);
        while (!accept(";")) {
            made.operands.push_back(operand());
            if (!is(";")) {
                expect(",");
            }
        }
        _function->statements.push_back(std::move(made));
    }

    Operand operand()
    {
        Operand made;
        if (accept("{")) {
            made.kind = Operand::Kind::Vector;
            do {
                made.parts.push_back(operand());
            } while (accept(","));
            expect("}");
        } else if (accept("[")) {
            made.kind = Operand::Kind::Address;
            if (here().kind == Token::Kind::Word) {
                made.name = resolve(take().text);
                if (accept("+")) {
                    made.offset = integer();
                } else if (is("-")) {
                    made.offset = integer();
                }
            } else {
                made.offset = integer();
            }
            expect("]");
        } else if (is("-") || here().kind == Token::Kind::Number) {
            number(made);
        } else {
            made.negated = accept("!");
            if (here().kind != Token::Kind::Word) {
                fail("expected an operand, found '" + here().text + "'");
            }
            made.name = resolve(take().text);
            if (accept("|")) {
                made.second = resolve(take().text);
            }
        }
        return made;
    }

    void number(Operand &made)
    {
        bool negative = accept("-");
        const std::string text = here().text;
        bool hex_float = text.size() > 2 && text[0] == '0' && std::strchr("fFdD", text[1]) != nullptr;
        if (hex_float) {
            take();
            bool wide = text[1] == 'd' || text[1] == 'D';
            if (text.size() != (wide ? 18u : 10u)) {
                fail("'" + text + "' has not as many digits as its type");
            }
            made.kind = wide ? Operand::Kind::Float64 : Operand::Kind::Float32;
            made.bits = std::strtoull(text.c_str() + 2, nullptr, 16) ^ (negative ? wide ? 1ull << 63 : 1ull << 31 : 0);
        } else if (text.find('.') != std::string::npos) {
            take();
            double value = std::strtod(text.c_str(), nullptr) * (negative ? -1 : 1);
            made.kind = Operand::Kind::Float64;
            std::memcpy(&made.bits, &value, sizeof value);
        } else {
            made.kind = Operand::Kind::Integer;
            made.bits = (uint64_t)integer();
            made.bits = negative ? -made.bits : made.bits;
        }
    }

    std::vector<Token> _tokens;
    size_t _at = 0;
    bool _external = false;
    int _unique = 0;
    ParsedModule _module;
    ParsedFunction *_function = nullptr;
    std::vector<std::map<std::string, std::string>> _scopes;
};

} // namespace

Type parse_type(const std::string &word)
{
    for (const TypeName &one : type_names) {
        if (one.type != Type::None && word == one.name) {
            return one.type;
        }
    }
    return Type::None;
}

const char *name(Type type) { return type_names[(int)type].name; }
int bytes(Type type) { return type_names[(int)type].bytes; }

bool is_float(Type type)
{
    return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F64 || type == Type::F16x2 || type == Type::BF16x2;
}

bool is_signed(Type type) { return type == Type::S8 || type == Type::S16 || type == Type::S32 || type == Type::S64; }
bool is_untyped(Type type) { return type == Type::B8 || type == Type::B16 || type == Type::B32 || type == Type::B64; }

const char *name(Space space)
{
    static const char *const names[] = {"generic", "global", "shared", "local", "param", "const"};
    return names[(int)space];
}

std::string Statement::mnemonic() const
{
    std::string text;
    for (const std::string &word : words) {
        text += (text.empty() ? "" : ".") + word;
    }
    return text;
}

ParsedModule parse(const std::string &text) { return Parser(text).run(); }

} // namespace ptx
