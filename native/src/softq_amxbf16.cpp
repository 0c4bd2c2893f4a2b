// AMX-BF16: tiles of 16 outputs by 16 pairs, 32 units at a time.
//
// A tile row of B is 16 pairs by two units, just what the first layer's rounding instruction puts out, so x needs no shuffle. A tile row of C is one
// output for 16 pairs, so that bias, ReLU and the dot product with W3 are vertical.
//
// The tile unit and the vector units run side by side: while the tile unit multiplies two vectors of pairs (a group), the vector units build x of
// the next group and finish the outputs of the block before. At H = 64 that vector work is the longer of the two.
#include "cpu.h"
#include "softq_variants.h"

#if defined(HF_AMXBF16)

#include "simd_avx512.h"
#include "softq_tile.h"

namespace hipifast {

namespace {

using Tile = SoftQTile<SimdAvx512>;

constexpr int TileVectors = 16;

/// Vectors of pairs and tiles of outputs in a block: 2 x 2 accumulator tiles, so that each operand tile that is loaded is used twice.
constexpr int GroupVectors = 2;
constexpr int BlockTiles = 2;

constexpr int TileRows = 16;
constexpr int TileRowBytes = 64;
constexpr int BlockOutputs = BlockTiles * TileRows;

/// Units that one tile product sums over, and bf16 numbers in an operand tile.
constexpr int TileDepth = TileRows * PairedUnits;
constexpr int OperandNumbers = TileRows * TileDepth;

/// One block's accumulators as they are stored, [32 outputs][2 vectors][16], and how far apart its rows lie.
constexpr int BlockFloats = BlockOutputs * GroupVectors * HF_LANES;
constexpr int BlockRowBytes = GroupVectors * HF_LANES * static_cast<int>(sizeof(float));

// The compiler does not know that a tile load reads memory: stores before it must not sink below it.
#define HF_COMPILER_FENCE() __asm__ volatile("" ::: "memory")
#if defined(_MSC_VER) && !defined(__clang__)
#undef HF_COMPILER_FENCE
#define HF_COMPILER_FENCE() _ReadWriteBarrier()
#endif

/// Configures the tile registers for the length of a call. Tile state left behind would slow down every later context switch.
class TileScope {
public:
    TileScope() noexcept {
        alignas(Alignment) Configuration configuration = {};
        configuration.palette = 1;
        for (int tile = 0; tile < Tiles; tile++) {
            configuration.row_bytes[tile] = TileRowBytes;
            configuration.rows[tile] = TileRows;
        }
        HF_COMPILER_FENCE();
        _tile_loadconfig(&configuration);
        HF_COMPILER_FENCE();
    }

    ~TileScope() { _tile_release(); }

    TileScope(const TileScope&) = delete;
    TileScope& operator=(const TileScope&) = delete;

private:
    static constexpr int Tiles = 8;

    struct Configuration {
        uint8_t palette;
        uint8_t start_row;
        uint8_t reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    };
};

int padded_depth(int hidden) noexcept { return round_up(hidden, TileDepth); }

size_t weight2_bytes(int hidden) noexcept {
    return static_cast<size_t>(round_up(hidden, TileRows)) * padded_depth(hidden) * sizeof(uint16_t);
}

/// W2 as [block of 32 outputs][k / 32][tile of 16 outputs][16 outputs][16][2]; the last block may have one tile.
void pack(const NetworkLayout& layout, const NetworkSource& source, unsigned char* network) noexcept {
    Tile::pack_small(layout, source, network);
    const int depth = padded_depth(layout.hidden);
    int32_t* tile = reinterpret_cast<int32_t*>(network + layout.weight2);
    const __m512i rows = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), _mm512_set1_epi32(TileRows));
    for (int block = 0; block < layout.stride; block += BlockOutputs) {
        for (int step = 0; step < depth; step += TileDepth) {
            for (int o = block; o < layout.stride && o < block + BlockOutputs; o += TileRows, tile += OperandNumbers / PairedUnits) {
                for (int pair = 0; pair < TileRows; pair++) {
                    alignas(Alignment) uint16_t rounded[PairedRow];
                    Tile::round_weights(layout, source.weight2, step + pair * PairedUnits, o, rounded);
                    _mm512_i32scatter_epi32(tile + pair, rows, _mm512_load_si512(rounded), sizeof(int32_t));
                }
            }
        }
    }
}

/// Floats of x of one vector of pairs.
size_t input_floats(int hidden) noexcept { return static_cast<size_t>(padded_depth(hidden)) * HF_LANES / 2; }

size_t scratch_floats(int hidden, int actions) noexcept {
    const size_t stride = round_up(hidden, HF_LANES);
    return 2 * GroupVectors * input_floats(hidden) + 2 * BlockFloats + stride * GroupVectors * HF_LANES + Tile::action_floats(actions);
}

/// Builds x of one group after another, a few rows at a time; two groups have room.
class InputBuilder {
public:
    InputBuilder(const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors, const hf_action_share* action, uint16_t* x,
                 float* arranged) noexcept
        : pairs_(pairs), action_(action), x_(x), arranged_(arranged), vectors_(vectors), rows_(layout.stride / PairedUnits),
          stride_(layout.stride), numbers_(input_floats(layout.hidden) * 2) {
        // Rows beyond the network's width are never written again.
        const size_t used = static_cast<size_t>(rows_) * PairedRow;
        for (int slot = 0; slot < 2 * GroupVectors; slot++) {
            std::memset(x_ + slot * numbers_ + used, 0, (numbers_ - used) * sizeof(uint16_t));
        }
    }

    const uint16_t* input(int vector) const noexcept { return x_ + vector % (2 * GroupVectors) * numbers_; }

    /// Builds up to the given number of rows, and nothing of vectors from `end` on.
    HF_INLINE void advance(int rows, int end) noexcept {
        while (rows > 0 && vector_ < end) {
            const int last = rows < rows_ - row_ ? row_ + rows : rows_;
            uint16_t* x = x_ + vector_ % (2 * GroupVectors) * numbers_;
            if (action_ == nullptr) {
                Tile::first_layer(pairs_[vector_], row_, last, x, PairedRow);
            } else {
                if (row_ == 0) {
                    Tile::arrange_actions(*action_, vector_, arranged_);
                }
                Tile::first_layer(pairs_[vector_], *action_, arranged_, stride_, row_, last, x, PairedRow);
            }
            rows -= last - row_;
            row_ = last;
            if (row_ == rows_) {
                row_ = 0;
                vector_++;
            }
        }
    }

    void finish(int end) noexcept { advance((end - vector_) * rows_, end); }

    int rows() const noexcept { return rows_; }
    int vectors() const noexcept { return vectors_; }

private:
    const hf_pair_vector* pairs_;
    const hf_action_share* action_;
    uint16_t* x_;
    float* arranged_;
    int vectors_;
    int rows_;
    int stride_;
    size_t numbers_;
    int vector_ = 0;
    int row_ = 0;
};

/// Turns stored accumulators into values: bias, ReLU, dot product with W3. Even and odd outputs have a sum each, to halve the chain of additions.
class ValuesEnd {
public:
    ValuesEnd(const unsigned char* network, const NetworkLayout& layout, float* values, int vectors) noexcept
        : bias2_(reinterpret_cast<const float*>(network + layout.bias2)), weight3_(reinterpret_cast<const float*>(network + layout.weight3)),
          bias3_(*reinterpret_cast<const float*>(network + layout.bias3)), values_(values), vectors_(vectors), hidden_(layout.hidden) {}

    /// Takes on a block; `first` is its first output, `vector` its first vector.
    void begin(const float* block, int first, int vector) noexcept {
        block_ = block;
        output_ = first;
        last_ = hidden_ - first < BlockOutputs ? hidden_ : first + BlockOutputs;
        vector_ = vector;
        if (first == 0) {
            for (Sums& sum : sums_) {
                sum = {_mm512_setzero_ps(), _mm512_setzero_ps()};
            }
        }
    }

    HF_INLINE void advance(int outputs) noexcept {
        const int last = outputs < last_ - output_ ? output_ + outputs : last_;
        Sums first = sums_[0], second = sums_[1];
        const float* from = block_;
        int o = output_;
        for (; o + 2 <= last; o += 2, from += 2 * GroupVectors * HF_LANES) {
            const __m512 bias_even = _mm512_set1_ps(bias2_[o]), bias_odd = _mm512_set1_ps(bias2_[o + 1]);
            const __m512 weight_even = _mm512_set1_ps(weight3_[o]), weight_odd = _mm512_set1_ps(weight3_[o + 1]);
            first.even = _mm512_fmadd_ps(unit(from, bias_even), weight_even, first.even);
            second.even = _mm512_fmadd_ps(unit(from + HF_LANES, bias_even), weight_even, second.even);
            first.odd = _mm512_fmadd_ps(unit(from + 2 * HF_LANES, bias_odd), weight_odd, first.odd);
            second.odd = _mm512_fmadd_ps(unit(from + 3 * HF_LANES, bias_odd), weight_odd, second.odd);
        }
        if (o < last) {
            const __m512 bias = _mm512_set1_ps(bias2_[o]), weight = _mm512_set1_ps(weight3_[o]);
            first.even = _mm512_fmadd_ps(unit(from, bias), weight, first.even);
            second.even = _mm512_fmadd_ps(unit(from + HF_LANES, bias), weight, second.even);
            o++;
            from += GroupVectors * HF_LANES;
        }
        sums_[0] = first;
        sums_[1] = second;
        block_ = from;
        output_ = o;
    }

    void finish() noexcept {
        advance(BlockOutputs);
        if (last_ < hidden_) {
            return;
        }
        for (int v = 0; v < GroupVectors && vector_ + v < vectors_; v++) {
            const __m512 sum = _mm512_add_ps(_mm512_add_ps(sums_[v].even, sums_[v].odd), _mm512_set1_ps(bias3_));
            _mm512_storeu_ps(values_ + (vector_ + v) * HF_LANES, sum);
        }
    }

private:
    struct Sums {
        __m512 even;
        __m512 odd;
    };

    static HF_INLINE __m512 unit(const float* from, __m512 bias) noexcept { return SimdAvx512::rectify(_mm512_add_ps(_mm512_loadu_ps(from), bias)); }

    const float* bias2_;
    const float* weight3_;
    float bias3_;
    float* values_;
    int vectors_;
    int hidden_;
    const float* block_ = nullptr;
    int output_ = 0;
    int last_ = 0;
    int vector_ = 0;
    Sums sums_[GroupVectors];
};

/// Turns stored accumulators into the second layer's outputs in fp32, and these into the head once a group has all of them.
class HeadEnd {
public:
    HeadEnd(const unsigned char* network, const NetworkLayout& layout, float* h, float* head, int head_stride, int vectors) noexcept
        : network_(network), layout_(layout), bias2_(reinterpret_cast<const float*>(network + layout.bias2)), h_(h), head_(head),
          head_stride_(head_stride), vectors_(vectors) {}

    void begin(const float* block, int first, int vector) noexcept {
        block_ = block;
        output_ = first;
        last_ = layout_.hidden - first < BlockOutputs ? layout_.hidden : first + BlockOutputs;
        vector_ = vector;
    }

    HF_INLINE void advance(int outputs) noexcept {
        const int last = outputs < last_ - output_ ? output_ + outputs : last_;
        const int group = group_vectors();
        for (; output_ < last; output_++, block_ += GroupVectors * HF_LANES) {
            const __m512 bias = _mm512_set1_ps(bias2_[output_]);
            float* to = h_ + static_cast<size_t>(output_) * group * HF_LANES;
            _mm512_storeu_ps(to, SimdAvx512::rectify(_mm512_add_ps(_mm512_loadu_ps(block_), bias)));
            if (group == GroupVectors) {
                _mm512_storeu_ps(to + HF_LANES, SimdAvx512::rectify(_mm512_add_ps(_mm512_loadu_ps(block_ + HF_LANES), bias)));
            }
        }
    }

    void finish() noexcept {
        advance(BlockOutputs);
        if (last_ < layout_.hidden) {
            return;
        }
        if (group_vectors() == GroupVectors) {
            Tile::third_layer<GroupVectors>(network_, layout_, h_, head_ + vector_ * HF_LANES, head_stride_);
        } else {
            Tile::third_layer<1>(network_, layout_, h_, head_ + vector_ * HF_LANES, head_stride_);
        }
    }

private:
    int group_vectors() const noexcept { return vectors_ - vector_ < GroupVectors ? 1 : GroupVectors; }

    const unsigned char* network_;
    const NetworkLayout& layout_;
    const float* bias2_;
    float* h_;
    float* head_;
    int head_stride_;
    int vectors_;
    const float* block_ = nullptr;
    int output_ = 0;
    int last_ = 0;
    int vector_ = 0;
};

/// One block of outputs for one group, left in `block`; `between` runs once per step of 32 units.
template <int Outputs, int Vectors, class Between>
HF_INLINE void multiply(const uint16_t* weights, const uint16_t* x0, const uint16_t* x1, int steps, float* block, Between&& between) noexcept {
    _tile_zero(0);
    if constexpr (Vectors == 2) {
        _tile_zero(1);
    }
    if constexpr (Outputs == 2) {
        _tile_zero(2);
        if constexpr (Vectors == 2) {
            _tile_zero(3);
        }
    }
    for (int step = 0; step < steps; step++) {
        HF_COMPILER_FENCE();
        _tile_loadd(6, x0, TileRowBytes);
        _tile_loadd(4, weights, TileRowBytes);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (Vectors == 2) {
            _tile_loadd(7, x1, TileRowBytes);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (Outputs == 2) {
            _tile_loadd(5, weights + OperandNumbers, TileRowBytes);
            _tile_dpbf16ps(2, 5, 6);
            if constexpr (Vectors == 2) {
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        weights += Outputs * OperandNumbers;
        x0 += OperandNumbers;
        x1 += OperandNumbers;
        between();
    }
    _tile_stored(0, block, BlockRowBytes);
    if constexpr (Vectors == 2) {
        _tile_stored(1, block + HF_LANES, BlockRowBytes);
    }
    if constexpr (Outputs == 2) {
        _tile_stored(2, block + BlockFloats / 2, BlockRowBytes);
        if constexpr (Vectors == 2) {
            _tile_stored(3, block + BlockFloats / 2 + HF_LANES, BlockRowBytes);
        }
    }
    HF_COMPILER_FENCE();
}

/// Sends all vectors of a tile through both layers; `end` receives each block of accumulators one block later.
template <class End>
HF_INLINE void run(const unsigned char* network, const NetworkLayout& layout, InputBuilder& input, End& end, float* blocks) noexcept {
    const TileScope scope;
    const int vectors = input.vectors(), steps = padded_depth(layout.hidden) / TileDepth;
    const int blocks_per_group = round_up(layout.stride, BlockOutputs) / BlockOutputs;

    // Shares of the next group's rows and of the last block's outputs (an even number, for the order of their sums) that go with each step.
    const int rows_per_step = (GroupVectors * input.rows() + blocks_per_group * steps - 1) / (blocks_per_group * steps);
    const int outputs_per_step = round_up((BlockOutputs + steps - 1) / steps, 2);
    input.finish(vectors < GroupVectors ? vectors : GroupVectors);
    bool pending = false;
    int parity = 0;
    for (int vector = 0; vector < vectors; vector += GroupVectors) {
        const uint16_t* weights = reinterpret_cast<const uint16_t*>(network + layout.weight2);
        const int next_end = vectors < vector + 2 * GroupVectors ? vectors : vector + 2 * GroupVectors;
        const uint16_t *x0 = input.input(vector), *x1 = input.input(vector + 1);
        const bool is_pair = vector + 1 < vectors;
        for (int first = 0; first < layout.stride; first += BlockOutputs) {
            float* block = blocks + parity * BlockFloats;
            const auto between = [&]() __attribute__((always_inline)) {
                input.advance(rows_per_step, next_end);
                if (pending) {
                    end.advance(outputs_per_step);
                }
            };
            const bool is_whole = layout.stride - first >= BlockOutputs;
            if (is_whole && is_pair) {
                multiply<2, 2>(weights, x0, x1, steps, block, between);
            } else if (is_whole) {
                multiply<2, 1>(weights, x0, x1, steps, block, between);
            } else if (is_pair) {
                multiply<1, 2>(weights, x0, x1, steps, block, between);
            } else {
                multiply<1, 1>(weights, x0, x1, steps, block, between);
            }
            weights += static_cast<size_t>(is_whole ? 2 : 1) * steps * OperandNumbers;
            if (pending) {
                end.finish();
            }
            end.begin(block, first, vector);
            pending = true;
            parity ^= 1;
        }
        input.finish(next_end);
    }
    end.finish();
}

/// Where things lie in scratch.
struct Scratch {
    uint16_t* x;
    float* blocks;
    float* h;
    float* arranged;

    Scratch(const NetworkLayout& layout, float* scratch) noexcept
        : x(reinterpret_cast<uint16_t*>(scratch)), blocks(scratch + 2 * GroupVectors * input_floats(layout.hidden)), h(blocks + 2 * BlockFloats),
          arranged(h + static_cast<size_t>(layout.stride) * GroupVectors * HF_LANES) {}
};

void values(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors, const hf_action_share* action,
            float* scratch, float* values) noexcept {
    const Scratch at(layout, scratch);
    InputBuilder input(layout, pairs, vectors, action, at.x, at.arranged);
    ValuesEnd end(network, layout, values, vectors);
    run(network, layout, input, end, at.blocks);
}

void head(const unsigned char* network, const NetworkLayout& layout, const hf_pair_vector* pairs, int vectors, float* scratch, float* head,
          int head_stride) noexcept {
    const Scratch at(layout, scratch);
    InputBuilder input(layout, pairs, vectors, nullptr, at.x, at.arranged);
    HeadEnd end(network, layout, at.h, head, head_stride, vectors);
    run(network, layout, input, end, at.blocks);
}

double multiply_add_loop(int64_t iterations) noexcept {
    const TileScope scope;
    alignas(Alignment) uint16_t operand[OperandNumbers];
    alignas(Alignment) float result[TileRows * HF_LANES];
    for (uint16_t& number : operand) {
        number = 0x3F80;  // 1.0
    }
    HF_COMPILER_FENCE();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_loadd(4, operand, TileRowBytes);
    _tile_loadd(5, operand, TileRowBytes);
    _tile_loadd(6, operand, TileRowBytes);
    _tile_loadd(7, operand, TileRowBytes);
    for (int64_t n = 0; n < iterations; n++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, result, TileRowBytes);
    _tile_stored(1, result, TileRowBytes);
    _tile_stored(2, result, TileRowBytes);
    _tile_stored(3, result, TileRowBytes);
    constexpr double Accumulators = BlockTiles * GroupVectors;
    return static_cast<double>(iterations) * Accumulators * TileRows * HF_LANES * TileDepth * 2;
}

}  // namespace

const Variant softq_amxbf16 = {
    "amxbf16",
    true,
    true,
    TileVectors,
    why_not_amxbf16,
    weight2_bytes,
    pack,
    scratch_floats,
    Tile::arrange_lanes,
    values,
    head,
    multiply_add_loop,
};

}  // namespace hipifast

#else

namespace hipifast {

const Variant softq_amxbf16 = left_out("amxbf16");

}  // namespace hipifast

#endif
