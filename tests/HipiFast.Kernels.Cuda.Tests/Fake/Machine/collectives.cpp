// What the lanes of a warp do together: shuffles, votes, matrix products (PTX ISA, "shfl.sync", "vote.sync", "mma.sync", "ldmatrix").
#include "lanes.h"

#include <cstring>

namespace ptx {
namespace {

// Every lane that the mask names has to be here, and every lane that is here has to be named.
void check_members(const Warp &warp, const uint32_t *masks, const char *what)
{
    for_active(warp, [&](int l) {
        if ((masks[l] >> l & 1) == 0) {
            throw Fault(std::string("divergent-") + what, "lane " + std::to_string(l) + " is not in the mask that it gives");
        }
        if ((masks[l] & ~warp.active) != 0) {
            throw Fault(std::string("divergent-") + what, "the mask names lane " + std::to_string(__builtin_ctz(masks[l] & ~warp.active)) + ", which is not here");
        }
    });
}

enum { ShuffleUp, ShuffleDown, ShuffleButterfly, ShuffleIndex };

void shuffle(Warp &warp, const Instruction &one)
{
    const uint32_t *source = one.operand + one.destinations;
    const uint32_t *a = warp.lanes<uint32_t>(source[0]), *b = warp.lanes<uint32_t>(source[1]), *c = warp.lanes<uint32_t>(source[2]);
    const uint32_t *members = warp.lanes<uint32_t>(source[3]);
    check_members(warp, members, "shfl");
    uint32_t values[32], found[32];
    for_active(warp, [&](int l) {
        int amount = (int)(b[l] & 31), segment = (int)(c[l] >> 8 & 31), clamp = (int)(c[l] & 31);
        int most = (l & segment) | (clamp & ~segment), least = l & segment, from;
        bool inside;
        switch (one.mode) {
        case ShuffleUp: from = l - amount; inside = from >= most; break;
        case ShuffleDown: from = l + amount; inside = from <= most; break;
        case ShuffleButterfly: from = l ^ amount; inside = from <= most; break;
        default: from = least | (amount & ~segment); inside = from <= most; break;
        }
        from = inside ? from : l;
        if ((warp.active >> from & 1) == 0) {
            throw Fault("divergent-shfl", "lane " + std::to_string(l) + " takes the value of lane " + std::to_string(from) + ", which is not here");
        }
        values[l] = a[from];
        found[l] = truth(inside);
    });
    for_active(warp, [&](int l) {
        warp.lanes<uint32_t>(one.operand[0])[l] = values[l];
        if (one.destinations == 2) {
            warp.lanes<uint32_t>(one.operand[1])[l] = found[l];
        }
    });
}

// The members' votes as bits, of each lane's mask.
template <class F> void vote_with(Warp &warp, const Instruction &one, F result)
{
    const uint32_t *a = warp.lanes<uint32_t>(one.operand[1]), *members = warp.lanes<uint32_t>(one.operand[2]);
    check_members(warp, members, "vote");
    uint32_t votes = mask_of(a) ^ ((one.mode & 4) != 0 ? ~0u : 0u);
    uint32_t *d = warp.lanes<uint32_t>(one.operand[0]);
    for_active(warp, [&](int l) { d[l] = result(votes & members[l], members[l]); });
}

void vote(Warp &warp, const Instruction &one)
{
    int mode = one.mode & 3;
    vote_with(warp, one, [mode](uint32_t votes, uint32_t members) {
        return truth(mode == 0 ? votes == members : mode == 1 ? votes != 0 : votes == 0 || votes == members);
    });
}

void ballot(Warp &warp, const Instruction &one)
{
    vote_with(warp, one, [](uint32_t votes, uint32_t) { return votes; });
}

void active_mask(Warp &warp, const Instruction &one)
{
    uint32_t lanes = warp.active;
    Results<uint32_t>(warp, one).fill([=](int) { return lanes; });
}

void warp_barrier(Warp &warp, const Instruction &one) { check_members(warp, warp.lanes<uint32_t>(one.operand[0]), "bar.warp.sync"); }
void fence(Warp &, const Instruction &) {}

void trap(Warp &, const Instruction &) { throw Fault("trap", "the kernel has given up"); }

float bf16(uint32_t word, int half)
{
    uint32_t bits = half == 0 ? word << 16 : word & 0xFFFF0000u;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 D, A, B, C. With the group g = lane / 4 and the thread t = lane % 4 the manual places
//   a_i (i = 0 to 7): row g for i = 0, 1, 4, 5, else g + 8; column 2 t + (i & 1), + 8 for i >= 4
//   b_i (i = 0 to 3): row 2 t + (i & 1), + 8 for i >= 2; column g
//   c_i, d_i (i = 0 to 3): row g for i < 2, else g + 8; column 2 t + (i & 1)
// Products are exact and added in double precision: in which order, and with what rounding, the manual leaves open.
void multiply_bf16(Warp &warp, const Instruction &one)
{
    const uint32_t *at = one.operand;
    double left[16][16], right[16][8], sums[16][8];
    for (int i = 0; i < 4; i++) {
        // Register i holds a_2i and a_2i+1.
        const uint32_t *word = warp.lanes<uint32_t>(at[4 + i]);
        for (int lane = 0; lane < 32; lane++) {
            double *to = &left[lane / 4 + (i & 1) * 8][2 * (lane % 4) + i / 2 * 8];
            to[0] = bf16(word[lane], 0);
            to[1] = bf16(word[lane], 1);
        }
    }
    for (int i = 0; i < 2; i++) {
        const uint32_t *word = warp.lanes<uint32_t>(at[8 + i]);
        for (int lane = 0; lane < 32; lane++) {
            int row = 2 * (lane % 4) + i * 8;
            right[row][lane / 4] = bf16(word[lane], 0);
            right[row + 1][lane / 4] = bf16(word[lane], 1);
        }
    }
    for (int i = 0; i < 4; i++) {
        const float *c = warp.lanes<float>(at[10 + i]);
        for (int lane = 0; lane < 32; lane++) {
            sums[lane / 4 + i / 2 * 8][2 * (lane % 4) + (i & 1)] = c[lane];
        }
    }
    for (int row = 0; row < 16; row++) {
        double total[8];
        std::memcpy(total, sums[row], sizeof total);
        for (int k = 0; k < 16; k++) {
            double value = left[row][k];
#pragma GCC unroll 8
            for (int column = 0; column < 8; column++) {
                total[column] = __builtin_fma(value, right[k][column], total[column]); // the product is exact
            }
        }
        std::memcpy(sums[row], total, sizeof total);
    }
    const uint32_t nan = 0x7FFFFFFF;
    for (int i = 0; i < 4; i++) {
        float *d = warp.lanes<float>(at[i]);
        for (int lane = 0; lane < 32; lane++) {
            float value = (float)sums[lane / 4 + i / 2 * 8][2 * (lane % 4) + (i & 1)];
            if (value != value) {
                std::memcpy(&d[lane], &nan, sizeof nan);
            } else {
                d[lane] = value;
            }
        }
    }
}

// ldmatrix.sync.aligned.m8n8.x{1,2,4}[.trans].shared.b16: lane 8 m + r has the address of row r of matrix m, 16 bytes; lane l gets of each matrix the
// numbers 2 (l % 4) and the next of row l / 4, or of the transposed matrix.
void load_matrix(Warp &warp, const Instruction &one)
{
    int matrices = one.destinations;
    uint16_t rows[4][8][8];
    for (int lane = 0; lane < 8 * matrices; lane++) {
        uint64_t address = warp.lanes<uint64_t>(one.operand[matrices])[lane] + (uint64_t)one.offset;
        if ((address & 15) != 0) {
            throw Fault("misaligned", "lane " + std::to_string(lane) + ": a row of a matrix at the address " + std::to_string(address));
        }
        size_t at = warp.group->shared.locate(address, 16);
        warp.group->shared.read(at, 16, warp.index);
        std::memcpy(rows[lane / 8][lane % 8], warp.group->shared.data() + at, 16);
    }
    for (int matrix = 0; matrix < matrices; matrix++) {
        for (int lane = 0; lane < 32; lane++) {
            int row = lane / 4, column = 2 * (lane % 4);
            const auto &from = rows[matrix];
            uint32_t low = one.mode == 1 ? from[column][row] : from[row][column], high = one.mode == 1 ? from[column + 1][row] : from[row][column + 1];
            warp.lanes<uint32_t>(one.operand[matrix])[lane] = high << 16 | low;
        }
    }
}

// mov of a vector to a wider register, first element lowest, and back.
void pack(Warp &warp, const Instruction &one)
{
    int bits = 8 * one.size;
    for_active(warp, [&](int l) {
        uint64_t made = 0;
        for (int i = 0; i < one.sources; i++) {
            made |= ((uint64_t)warp.lanes<uint32_t>(one.operand[1 + i])[l] & (~0ull >> (64 - bits))) << (bits * i);
        }
        if (bits * one.sources == 64) {
            warp.lanes<uint64_t>(one.operand[0])[l] = made;
        } else {
            warp.lanes<uint32_t>(one.operand[0])[l] = (uint32_t)made;
        }
    });
}

void unpack(Warp &warp, const Instruction &one)
{
    int bits = 8 * one.size;
    uint32_t from = one.operand[one.destinations];
    for_active(warp, [&](int l) {
        uint64_t value = bits * one.destinations == 64 ? warp.lanes<uint64_t>(from)[l] : warp.lanes<uint32_t>(from)[l];
        for (int i = 0; i < one.destinations; i++) {
            warp.lanes<uint32_t>(one.operand[i])[l] = (uint32_t)(value >> (bits * i) & (~0ull >> (64 - bits)));
        }
    });
}

} // namespace

const Handler run_shuffle = shuffle, run_vote = vote, run_ballot = ballot, run_active_mask = active_mask, run_warp_barrier = warp_barrier, run_fence = fence,
              run_multiply_bf16 = multiply_bf16, run_load_matrix = load_matrix, run_pack = pack, run_unpack = unpack, run_trap = trap;

} // namespace ptx
