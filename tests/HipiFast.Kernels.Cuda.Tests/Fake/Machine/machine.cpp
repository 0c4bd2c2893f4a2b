#include "machine.h"

#include "warp.h"

#include <cstdio>
#include <cstring>
#include <unordered_map>

using namespace ptx;

struct machine_module {
    std::shared_ptr<const Module> module;
    std::vector<std::unique_ptr<machine_function>> functions;
};

struct machine_function {
    const Function *function;
    const Module *module;
};

namespace {

uint64_t instructions_run, instruction_limit = 4000000000ull;
uint32_t next_turn = 2;
bool checks_unwritten = true;

// Text that has been read before is not read again: nothing of a module is changed by running it but where an instruction went to last, which every launch
// begins anew.
std::shared_ptr<const Module> load_once(const char *text)
{
    constexpr size_t most = 64;
    static std::unordered_map<std::string, std::shared_ptr<const Module>> kept;
    auto found = kept.find(text);
    if (found != kept.end()) {
        return found->second;
    }
    if (kept.size() == most) {
        kept.clear();
    }
    std::shared_ptr<const Module> made = load(text);
    kept.emplace(text, made);
    return made;
}

int code_of(const std::string &fault)
{
    return fault == "misaligned"     ? MACHINE_MISALIGNED
           : fault == "wrong-space" ? MACHINE_INVALID_SPACE
           : fault == "out-of-bounds" || fault == "freed-memory" || fault == "shared-out-of-bounds" ? MACHINE_ILLEGAL_ADDRESS : MACHINE_LAUNCH_FAILED;
}

std::string text_of(const Dimensions &one)
{
    return "(" + std::to_string(one.x) + ", " + std::to_string(one.y) + ", " + std::to_string(one.z) + ")";
}

// Every warp up to a barrier or its end, until all have ended.
void run_group(Group &group, std::vector<Warp> &warps)
{
    group.shared.begin();
    for (size_t i = 0; i < warps.size(); i++) {
        warps[i].prepare(&group, (int)i);
    }
    while (true) {
        size_t ended = 0;
        for (Warp &warp : warps) {
            if (!warp.is_done()) {
                warp.run();
            }
            ended += warp.is_done();
        }
        if (ended == warps.size()) {
            return;
        }
        const Warp *first = nullptr;
        for (const Warp &warp : warps) {
            if (warp.is_done()) {
                throw Fault("barrier-without-all", "warp " + std::to_string(warp.index) + " has ended, and others wait at a barrier");
            }
            first = first == nullptr ? &warp : first;
            if (warp.barrier != first->barrier) {
                throw Fault("barrier-without-all", "warp " + std::to_string(warp.index) + " waits at barrier " + std::to_string(warp.barrier) + ", warp "
                                                       + std::to_string(first->index) + " at barrier " + std::to_string(first->barrier));
            }
        }
        group.shared.barrier();
    }
}

} // namespace

extern "C" {

machine_module *machine_load(const char *text, char *error, size_t error_bytes)
{
    try {
        auto made = std::make_unique<machine_module>();
        made->module = load_once(text);
        for (const auto &function : made->module->functions) {
            made->functions.push_back(std::make_unique<machine_function>(machine_function{function.get(), made->module.get()}));
        }
        return made.release();
    } catch (const std::exception &failure) {
        std::snprintf(error, error_bytes, "%s", failure.what());
        return nullptr;
    }
}

void machine_unload(machine_module *module) { delete module; }

machine_function *machine_find(machine_module *module, const char *name)
{
    for (const auto &one : module->functions) {
        if (one->function->name == name) {
            return one.get();
        }
    }
    return nullptr;
}

int machine_parameters(const machine_function *function) { return (int)function->function->parameters.size(); }
int machine_parameter_bytes(const machine_function *function, int index) { return function->function->parameters[(size_t)index].bytes; }
int machine_parameter_offset(const machine_function *function, int index) { return function->function->parameters[(size_t)index].offset; }
int machine_static_shared(const machine_function *function) { return function->function->static_shared; }

int machine_run(const machine_function *function, const unsigned groups[3], const unsigned threads[3], size_t dynamic_shared, const void *parameters,
                char *error, size_t error_bytes)
{
    Group group;
    group.function = function->function;
    group.parameters = (const uint8_t *)parameters;
    group.groups = {groups[0], groups[1], groups[2]};
    group.threads = {threads[0], threads[1], threads[2]};
    group.dynamic_shared = (uint32_t)dynamic_shared;
    group.checks_unwritten = checks_unwritten;
    group.most_instructions = instruction_limit;
    std::vector<SharedMemory::Region> regions = function->function->shared;
    if (function->function->has_dynamic_shared) {
        regions.back().bytes = (int64_t)dynamic_shared;
    }
    group.shared.layout(regions);
    for (const Instruction &one : function->function->code) {
        one.last = nullptr;
    }
    std::vector<Warp> warps((group.threads.count() + 31) / 32);
    if (next_turn > ~0u - group.groups.count() - 1) {
        std::snprintf(error, error_bytes, "turns: too many groups have run");
        return MACHINE_LAUNCH_FAILED;
    }
    group.first_turn = next_turn;
    int code = 0;
    try {
        for (uint64_t i = 0; i < group.groups.count(); i++) {
            group.index = {(uint32_t)(i % groups[0]), (uint32_t)(i / groups[0] % groups[1]), (uint32_t)(i / groups[0] / groups[1])};
            group.turn = next_turn++;
            run_group(group, warps);
        }
    } catch (const Fault &fault) {
        std::string what = fault.what();
        size_t line = what.find("line ");
        std::string text;
        if (line != std::string::npos) {
            size_t number = (size_t)std::atoi(what.c_str() + line + 5);
            if (number >= 1 && number <= function->module->lines.size()) {
                text = function->module->lines[number - 1];
                text = " [" + text.substr(text.find_first_not_of(" \t") == std::string::npos ? 0 : text.find_first_not_of(" \t")) + "]";
                for (char &c : text) {
                    c = c == '\t' ? ' ' : c;
                }
            }
        }
        std::snprintf(error, error_bytes, "%s: kernel %s, group %s, %s%s", fault.name.c_str(), group.function->name.c_str(), text_of(group.index).c_str(),
                      what.c_str(), text.c_str());
        code = code_of(fault.name);
    }
    instructions_run += group.instructions;
    return code;
}

uint64_t machine_instructions(void) { return instructions_run; }
void machine_check_unwritten(int value) { checks_unwritten = value != 0; }
void machine_limit(uint64_t instructions) { instruction_limit = instructions; }

uint64_t machine_allocate(size_t bytes) { return device_memory().allocate(bytes); }
int machine_free(uint64_t address) { return device_memory().free(address); }
void machine_clear(void) { device_memory().clear(); }
void *machine_host(uint64_t address, size_t bytes) { return device_memory().host(address, bytes); }
void machine_wrote(uint64_t address, size_t bytes) { device_memory().copied_to(address, bytes); }
void machine_copied(uint64_t to, uint64_t from, size_t bytes) { device_memory().copied(to, from, bytes); }
void machine_poison(void *memory, size_t bytes) { fill_poison(memory, bytes); }

const char *machine_describe(uint64_t address, size_t bytes)
{
    static std::string text;
    text = device_memory().describe(address, (int)bytes);
    return text.c_str();
}
}
