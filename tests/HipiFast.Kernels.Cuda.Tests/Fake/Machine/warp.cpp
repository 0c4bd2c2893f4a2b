// How a warp runs: a stack of lanes that part at a branch and meet again where every way from it comes together (its immediate post-dominator).
#include "warp.h"

#include <algorithm>
#include <cstdio>
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace ptx {
namespace {

std::string lanes_text(uint32_t lanes)
{
    char text[16];
    std::snprintf(text, sizeof text, "0x%08x", lanes);
    return text;
}

uint32_t special_value(const Group &group, int warp, int lane, Special what, uint32_t thread)
{
    const Dimensions &threads = group.threads;
    switch (what) {
    case Special::ThreadX: return thread % threads.x;
    case Special::ThreadY: return thread / threads.x % threads.y;
    case Special::ThreadZ: return thread / threads.x / threads.y;
    case Special::ThreadsX: return threads.x;
    case Special::ThreadsY: return threads.y;
    case Special::ThreadsZ: return threads.z;
    case Special::GroupX: return group.index.x;
    case Special::GroupY: return group.index.y;
    case Special::GroupZ: return group.index.z;
    case Special::GroupsX: return group.groups.x;
    case Special::GroupsY: return group.groups.y;
    case Special::GroupsZ: return group.groups.z;
    case Special::Lane: return (uint32_t)lane;
    case Special::WarpIndex: return (uint32_t)warp;
    case Special::Warps: return (uint32_t)((threads.count() + 31) / 32);
    case Special::MaskEqual: return 1u << lane;
    case Special::MaskLess: return (1u << lane) - 1;
    case Special::MaskLessEqual: return (2u << lane) - 1;
    case Special::MaskGreater: return ~((2u << lane) - 1);
    case Special::MaskGreaterEqual: return ~((1u << lane) - 1);
    case Special::DynamicShared: return group.dynamic_shared;
    }
    return 0;
}

} // namespace

uint32_t mask_of(const uint32_t *lanes)
{
    uint32_t made = 0;
#ifdef __AVX2__
    for (int part = 0; part < 4; part++) {
        made |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(lanes + 8 * part)))) << (8 * part);
    }
#else
    for (int l = 0; l < 32; l++) {
        made |= (lanes[l] >> 31) << l;
    }
#endif
    return made;
}

void Warp::prepare(Group *of, int warp_index)
{
    const Function &function = *of->function;
    bool is_new = group != of || file.size() != function.units;
    group = of;
    index = warp_index;
    if (is_new) {
        file.assign(function.units, Unit{});
        for (const Function::Constant &constant : function.constants) {
            for (int l = 0; l < 32; l++) {
                if (constant.is_wide) {
                    lanes<uint64_t>(constant.unit)[l] = constant.bits;
                } else {
                    lanes<uint32_t>(constant.unit)[l] = (uint32_t)constant.bits;
                }
            }
        }
    }
    defined.assign(function.units, 0);
    for (const Function::Constant &constant : function.constants) {
        defined[constant.unit] = ~0u;
    }
    uint64_t total = of->threads.count(), first = 32 * (uint64_t)warp_index;
    threads = total - first >= 32 ? ~0u : (1u << (total - first)) - 1;
    for (auto [unit, what] : function.specials) {
        for (int l = 0; l < 32; l++) {
            lanes<uint32_t>(unit)[l] = special_value(*of, warp_index, l, what, (uint32_t)first + (uint32_t)l);
        }
        defined[unit] = ~0u;
    }
    live = threads;
    stack.assign(1, {0, ~0u, threads});
    copies.clear();
    copy_group = 0;
    barrier = -1;
    active = 0;
    is_full = false;
    std::fill(mask, mask + 32, 0u);
}

void Warp::set_active(uint32_t lanes_now)
{
    if (lanes_now == active) {
        return;
    }
    active = lanes_now;
    is_full = lanes_now == ~0u;
    for (int l = 0; l < 32; l++) {
        mask[l] = lanes_now >> l & 1 ? ~0u : 0u;
    }
}

void Warp::undefined(const Instruction &one) const
{
    for (int i = 0; i < one.sources; i++) {
        uint32_t unit = one.operand[one.destinations + i], missing = active & ~defined[unit];
        if (missing != 0) {
            throw Fault("register-never-written", "lane " + std::to_string(__builtin_ctz(missing)) + " reads " + group->function->unit_names[unit]
                                                      + ", which it has not written");
        }
    }
    throw Fault("register-never-written", "a register");
}

void Warp::leave(uint32_t lanes_now)
{
    live &= ~lanes_now;
    for (Frame &frame : stack) {
        frame.lanes &= live;
    }
}

void Warp::branch(const Instruction &one, uint32_t taken)
{
    Frame &top = stack.back();
    uint32_t other = top.lanes & ~taken, next = top.at + 1;
    if (other == 0 || taken == 0) {
        top.at = taken != 0 ? one.target : next;
        return;
    }
    if (one.together == Together::Uniform) {
        throw Fault("divergent-bra.uni", "of the lanes " + lanes_text(top.lanes) + " the lanes " + lanes_text(taken) + " take the branch");
    }
    top.at = one.meeting;
    for (Frame part : {Frame{next, one.meeting, other}, Frame{one.target, one.meeting, taken}}) {
        if (part.at != one.meeting) {
            stack.push_back(part);
        }
    }
}

void Warp::branch_indexed(const Instruction &one)
{
    const std::vector<uint32_t> &table = group->function->tables[one.target];
    const uint32_t *index_of = lanes<uint32_t>(one.operand[0]);
    Frame &top = stack.back();
    std::vector<Frame> parts;
    for (uint32_t left = top.lanes; left != 0; left &= left - 1) {
        int l = __builtin_ctz(left);
        if (index_of[l] >= table.size()) {
            throw Fault("branch-index", "lane " + std::to_string(l) + " takes way " + std::to_string(index_of[l]) + " of " + std::to_string(table.size()));
        }
        uint32_t to = table[index_of[l]];
        auto found = std::find_if(parts.begin(), parts.end(), [to](const Frame &frame) { return frame.at == to; });
        if (found == parts.end()) {
            parts.push_back({to, one.meeting, 1u << l});
        } else {
            found->lanes |= 1u << l;
        }
    }
    if (parts.size() == 1) {
        top.at = parts[0].at;
        return;
    }
    if (one.together == Together::Uniform) {
        throw Fault("divergent-brx.uni", "the lanes " + lanes_text(top.lanes) + " take " + std::to_string(parts.size()) + " ways");
    }
    top.at = one.meeting;
    for (const Frame &part : parts) {
        if (part.at != one.meeting) {
            stack.push_back(part);
        }
    }
}

void Warp::run()
{
    const Instruction *code = group->function->code.data();
    const Instruction *current = code;
    try {
        while (!stack.empty()) {
            Frame &top = stack.back();
            if (top.lanes == 0 || top.at == top.meeting) {
                stack.pop_back();
                continue;
            }
            const Instruction &one = code[top.at];
            current = &one;
            if (++group->instructions > group->most_instructions) {
                throw Fault("runaway", "the launch has run " + std::to_string(group->most_instructions) + " instructions of warps and does not end");
            }
            uint32_t now = top.lanes;
            if (one.is_guarded) {
                if ((now & ~defined[one.guard]) != 0) {
                    throw Fault("register-never-written", "the guard " + group->function->unit_names[one.guard] + " has not been written");
                }
                uint32_t holds = mask_of(file[one.guard].lane);
                now &= one.is_negated ? ~holds : holds;
            }
            set_active(now);
            uint32_t known = ~0u;
            for (const uint32_t *unit = one.operand + one.destinations, *end = unit + one.sources; unit != end; unit++) {
                known &= defined[*unit];
            }
            if ((now & ~known) != 0) {
                undefined(one);
            }
            if (one.together == Together::Warp && now != ~0u) {
                throw Fault("divergent-mma", "the lanes " + lanes_text(now) + " alone stand at an instruction of the whole warp");
            }
            switch (one.flow) {
            case Flow::Next:
                if (now != 0) {
                    one.run(*this, one);
                    for (int i = 0; i < one.destinations; i++) {
                        defined[one.operand[i]] |= now;
                    }
                }
                top.at++;
                break;
            case Flow::Branch: branch(one, now); break;
            case Flow::Indexed: branch_indexed(one); break;
            case Flow::Exit:
                top.at++;
                leave(now);
                break;
            case Flow::Barrier:
                if (now != live) {
                    throw Fault("divergent-bar", "of the lanes " + lanes_text(live) + " the lanes " + lanes_text(now) + " alone stand at a barrier");
                }
                barrier = (int)lanes<uint32_t>(one.operand[0])[__builtin_ctz(now)];
                top.at++;
                return;
            }
        }
        live = 0;
    } catch (const Fault &fault) {
        throw Fault(fault.name, "warp " + std::to_string(index) + ", line " + std::to_string(current->line) + ": " + fault.what());
    }
}

} // namespace ptx
