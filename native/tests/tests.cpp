// Tests of the C ABI: every variant that can run here against a double-precision oracle and against the reference variant, every buffer between
// guard pages, every refusal. Prints one line per failure and per variant left out; exits with 1 when anything failed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "guarded.h"
#include "hipifast/kernels.h"

namespace {

int failures = 0;
int checks = 0;

template <class... Arguments>
void check(bool holds, const char* format, Arguments... arguments) {
    checks++;
    if (!holds) {
        failures++;
        if (failures <= 50) {
            std::printf("FAILED ");
            std::printf(format, arguments...);
            std::printf("\n");
        }
    }
}

void expect(int32_t expected, int32_t found, const char* what) {
    check(expected == found, "%s: expected status %d, found %d (%s)", what, expected, found, hf_status_message(found));
}

constexpr int Lanes = HF_LANES;
constexpr int Portable = 0;

/// Of the spread of y over the pairs: what bf16 operands are allowed to cost. A handful of units can cancel by chance; they are held to the bound
/// of Bf16Rounding alone.
constexpr double Bf16Tolerance = 1e-2;
constexpr int FewUnits = 3;

/// Half a unit in the last place of bf16, relative.
constexpr double Bf16Rounding = 1.0 / (1 << 9);

/// Half a unit in the last place of fp32, relative.
constexpr double Fp32Rounding = 1.0 / (1 << 24);

int round_up(int count, int unit) { return (count + unit - 1) / unit * unit; }

/// Random layers and shares of one tile, with outliers, scaled so that the outputs spread over several units.
struct Case {
    int hidden;
    int outputs;
    int vectors;
    int actions;
    int stride;
    int output_stride;
    int action_stride;
    Guarded<float> weight2, bias2, weight3, bias3;
    Guarded<float> action, action_weights;
    std::vector<std::unique_ptr<Guarded<float>>> broadcasts;
    std::vector<std::unique_ptr<Guarded<float>>> lanes;

    Case(int hidden_units, int output_units, int pair_vectors, int action_entries, unsigned seed = 1)
        : hidden(hidden_units), outputs(output_units), vectors(pair_vectors), actions(action_entries), stride(round_up(hidden, Lanes)),
          output_stride(outputs == 1 ? 1 : round_up(outputs, Lanes)), action_stride(vectors * Lanes + Lanes),
          weight2(static_cast<size_t>(stride) * stride), bias2(stride), weight3(static_cast<size_t>(stride) * output_stride), bias3(outputs),
          action(static_cast<size_t>(actions) * action_stride - (actions > 0 ? Lanes : 0)),
          action_weights(static_cast<size_t>(actions) * stride) {
        std::mt19937 random(seed);
        std::normal_distribution<float> normal;
        const float bound = 1 / std::sqrt(static_cast<float>(hidden));
        std::uniform_real_distribution<float> weight(-bound, bound);
        for (int k = 0; k < hidden; k++) {
            for (int o = 0; o < hidden; o++) {
                weight2[static_cast<size_t>(k) * stride + o] = hidden == 1 ? 0.8f : weight(random);
            }
            bias2[k] = hidden == 1 ? 0.1f : weight(random);
            for (int o = 0; o < outputs; o++) {
                weight3[static_cast<size_t>(k) * output_stride + o] = weight(random);
            }
            for (int d = 0; d < actions; d++) {
                action_weights[static_cast<size_t>(d) * stride + k] = weight(random);
            }
        }
        for (int o = 0; o < outputs; o++) {
            bias3[o] = normal(random);
        }
        for (size_t i = 0; i < action.size(); i++) {
            action[i] = std::tanh(normal(random));
        }
        for (int v = 0; v < vectors; v++) {
            broadcasts.push_back(std::make_unique<Guarded<float>>(stride));
            lanes.push_back(std::make_unique<Guarded<float>>(static_cast<size_t>(stride) * Lanes));
            for (int k = 0; k < hidden; k++) {
                (*broadcasts[v])[k] = normal(random) * (random() % 50 == 0 ? 10.0f : 1.0f);
                for (int l = 0; l < Lanes; l++) {
                    (*lanes[v])[static_cast<size_t>(k) * Lanes + l] = normal(random);
                }
            }
        }
        scale_outputs();
    }

    int pairs() const { return vectors * Lanes; }

    /// y [outputs][pairs] in double precision, and for each an upper bound of the magnitudes that were added up.
    void oracle(std::vector<double>& y, std::vector<double>& magnitude) const {
        y.assign(static_cast<size_t>(outputs) * pairs(), 0);
        magnitude = y;
        std::vector<double> x(hidden);
        for (int pair = 0; pair < pairs(); pair++) {
            for (int k = 0; k < hidden; k++) {
                double sum = static_cast<double>((*broadcasts[pair / Lanes])[k])
                    + (*lanes[pair / Lanes])[static_cast<size_t>(k) * Lanes + pair % Lanes];
                for (int d = 0; d < actions; d++) {
                    sum += static_cast<double>(action[static_cast<size_t>(d) * action_stride + pair])
                        * action_weights[static_cast<size_t>(d) * stride + k];
                }
                x[k] = std::max(sum, 0.0);
            }
            for (int o = 0; o < outputs; o++) {
                y[static_cast<size_t>(o) * pairs() + pair] = bias3[o];
                magnitude[static_cast<size_t>(o) * pairs() + pair] = std::abs(bias3[o]);
            }
            for (int unit = 0; unit < hidden; unit++) {
                double sum = bias2[unit], size = std::abs(bias2[unit]);
                for (int k = 0; k < hidden; k++) {
                    const double product = x[k] * weight2[static_cast<size_t>(k) * stride + unit];
                    sum += product;
                    size += std::abs(product);
                }
                for (int o = 0; o < outputs; o++) {
                    const double weight = weight3[static_cast<size_t>(unit) * output_stride + o];
                    y[static_cast<size_t>(o) * pairs() + pair] += weight * std::max(sum, 0.0);
                    magnitude[static_cast<size_t>(o) * pairs() + pair] += std::abs(weight) * size;
                }
            }
        }
    }

private:
    void scale_outputs() {
        std::vector<double> y, magnitude;
        oracle(y, magnitude);
        for (int o = 0; o < outputs; o++) {
            const auto row = y.begin() + static_cast<size_t>(o) * pairs();
            const auto [low, high] = std::minmax_element(row, row + pairs());
            const float factor = *high - *low > 1e-6 ? static_cast<float>(6 / (*high - *low)) : 1.0f;
            for (int k = 0; k < hidden; k++) {
                weight3[static_cast<size_t>(k) * output_stride + o] *= factor;
            }
        }
    }
};

/// A case packed for a variant, every buffer as long as it must be and no longer.
struct Packed {
    int variant;
    const Case& data;
    Guarded<unsigned char> network;
    Guarded<float> scratch;
    std::vector<std::unique_ptr<Guarded<float>>> lanes;
    Guarded<hf_pair_vector> pairs;
    hf_action_share action;

    Packed(int number, const Case& source)
        : variant(number), data(source), network(bytes()), scratch(floats()), pairs(source.vectors) {
        expect(HF_OK,
               hf_pack_network(variant, data.hidden, data.outputs, data.weight2.data(), data.bias2.data(), data.weight3.data(), data.output_stride,
                               data.bias3.data(), network.data(), network.size()),
               "hf_pack_network");
        for (int v = 0; v < data.vectors; v++) {
            lanes.push_back(std::make_unique<Guarded<float>>(data.lanes[v]->size()));
            std::copy_n(data.lanes[v]->data(), data.lanes[v]->size(), lanes[v]->data());
            expect(HF_OK, hf_arrange_lanes(variant, lanes[v]->data(), data.stride), "hf_arrange_lanes");
            pairs[v] = {data.broadcasts[v]->data(), lanes[v]->data()};
        }
        action = {data.action.data(), data.action_weights.data(), data.actions, data.action_stride};

        // Scratch comes with leftovers of whatever used it before.
        std::fill_n(scratch.data(), scratch.size(), std::numeric_limits<float>::quiet_NaN());
    }

    const hf_action_share* action_or_null() const { return data.actions > 0 ? &action : nullptr; }

    /// y [outputs][pairs].
    std::vector<float> values() {
        Guarded<float> result(data.pairs());
        expect(HF_OK,
               hf_softq_values(network.data(), pairs.data(), data.vectors, action_or_null(), scratch.data(), scratch.size(), result.data()),
               "hf_softq_values");
        return {result.data(), result.data() + result.size()};
    }

    std::vector<float> head() {
        constexpr float Untouched = -12345.0f;
        const int head_stride = data.pairs() + 16;
        Guarded<float> result(static_cast<size_t>(data.outputs) * head_stride - 16);
        std::fill_n(result.data(), result.size(), Untouched);
        expect(HF_OK,
               hf_softq_head(network.data(), pairs.data(), data.vectors, scratch.data(), scratch.size(), result.data(), head_stride),
               "hf_softq_head");
        std::vector<float> y;
        for (int o = 0; o < data.outputs; o++) {
            const float* row = result.data() + static_cast<size_t>(o) * head_stride;
            y.insert(y.end(), row, row + data.pairs());
            check(o + 1 == data.outputs || std::all_of(row + data.pairs(), row + head_stride, [](float entry) { return entry == Untouched; }),
                  "hf_softq_head wrote beyond its pairs, H = %d", data.hidden);
        }
        return y;
    }

private:
    size_t bytes() const {
        size_t result = 0;
        expect(HF_OK, hf_network_bytes(variant, data.hidden, data.outputs, &result), "hf_network_bytes");
        return result;
    }

    size_t floats() const {
        size_t result = 0;
        expect(HF_OK, hf_scratch_floats(variant, data.hidden, data.actions, &result), "hf_scratch_floats");
        return result;
    }
};

std::string describe(const char* name, const Case& data) {
    return std::string(name) + ", H = " + std::to_string(data.hidden) + ", " + std::to_string(data.outputs) + " outputs, " +
           std::to_string(data.vectors) + " vectors, " + std::to_string(data.actions) + " actions";
}

void agrees(const char* name, int variant, const Case& data) {
    const std::string what = describe(name, data);
    std::vector<double> expected, magnitude;
    data.oracle(expected, magnitude);
    std::vector<std::vector<float>> found, reference;
    Packed packed(variant, data), plain(Portable, data);
    if (data.outputs == 1) {
        found.push_back(packed.values());
        reference.push_back(plain.values());
    }
    if (data.actions == 0) {
        found.push_back(packed.head());
        reference.push_back(plain.head());
    }
    for (size_t form = 0; form < found.size(); form++) {
        for (int o = 0; o < data.outputs; o++) {
            const auto row = expected.begin() + static_cast<size_t>(o) * data.pairs();
            const auto [low, high] = std::minmax_element(row, row + data.pairs());
            const double tolerance = Bf16Tolerance * std::max(*high - *low, 1.0);
            double worst = 0;
            for (int pair = 0; pair < data.pairs(); pair++) {
                const size_t at = static_cast<size_t>(o) * data.pairs() + pair;
                const double error = std::abs(found[form][at] - row[pair]);
                worst = error <= worst ? worst : error;

                // The same operands: only the order of the sums differs.
                const double same = 2 * (data.hidden + data.hidden + data.actions + 4) * Fp32Rounding * magnitude[at];
                check(std::abs(static_cast<double>(found[form][at]) - reference[form][at]) <= same,
                      "%s: pair %d is %g, the reference %g, more than %g apart", what.c_str(), pair, found[form][at], reference[form][at], same);

                // Both factors of each product are rounded.
                const double bound = (2 + Bf16Rounding) * Bf16Rounding * magnitude[at] + same;
                check(error <= bound, "%s: pair %d is off by %g, at most %g by rounding", what.c_str(), pair, error, bound);
            }
            check(worst <= tolerance || (data.hidden < FewUnits && data.outputs > 1), "%s: output %d is off by %g, allowed %g", what.c_str(), o,
                  worst, tolerance);
        }
    }
}

void sizes_agree(const char* name, int variant, int tile_vectors) {
    for (int hidden : {1, 2, 15, 16, 17, 31, 32, 33, 48, 64, 65, 100, 256, 1000, 1024}) {
        const std::vector<int> counts = hidden >= 1000  ? std::vector<int>{1}
                                        : hidden >= 256 ? std::vector<int>{1, 3}
                                                        : std::vector<int>{1, 2, 3, 4, 5, tile_vectors - 1, tile_vectors};
        for (int vectors : counts) {
            agrees(name, variant, Case(hidden, 1, vectors, 0));
            if (hidden < 1000) {
                agrees(name, variant, Case(hidden, 1, vectors, 3));
            }
            agrees(name, variant, Case(hidden, 4, vectors, 0));
        }
    }
    for (int actions : {1, 2, 5, 8, 17, 40}) {
        agrees(name, variant, Case(33, 1, 3, actions));
    }
    for (int outputs : {2, 3, 5, 8, 16, 17, 34}) {
        agrees(name, variant, Case(33, outputs, 5, 0));
    }
}

bool same_bits(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; }

/// Each pair comes out the same alone and in company, wherever it stands.
void place_does_not_matter(const char* name, int variant, int tile_vectors) {
    for (int hidden : {20, 64}) {
        for (int actions : {0, 3}) {
            Case data(hidden, 1, tile_vectors, actions);
            Packed packed(variant, data);
            const std::vector<float> together = packed.values();
            for (int first = 0; first < tile_vectors; first++) {
                for (int count = 1; first + count <= tile_vectors && count <= 3; count++) {
                    Guarded<float> alone(static_cast<size_t>(count) * Lanes);
                    hf_action_share action = packed.action;
                    action.action += first * Lanes;
                    expect(HF_OK,
                           hf_softq_values(packed.network.data(), packed.pairs.data() + first, count, actions > 0 ? &action : nullptr,
                                           packed.scratch.data(), packed.scratch.size(), alone.data()),
                           "hf_softq_values");
                    for (int pair = 0; pair < count * Lanes; pair++) {
                        check(same_bits(alone[pair], together[first * Lanes + pair]),
                              "%s: pair %d of vector %d depends on its tile", name, pair, first);
                    }
                }
            }
        }
    }
}

void bad_numbers_stay_where_they_are(const char* name, int variant) {
    constexpr int Vectors = 5, Vector = 3, Lane = 6;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                      -std::numeric_limits<float>::infinity()}) {
        for (int outputs : {1, 4}) {
            Case data(40, outputs, Vectors, 0);
            std::vector<float> good, spoiled;
            {
                Packed packed(variant, data);
                good = outputs == 1 ? packed.values() : packed.head();
            }
            (*data.lanes[Vector])[7 * Lanes + Lane] = bad;
            Packed packed(variant, data);
            spoiled = outputs == 1 ? packed.values() : packed.head();
            for (size_t i = 0; i < good.size(); i++) {
                const bool touched = i % (Vectors * Lanes) == Vector * Lanes + Lane;
                if (!touched) {
                    check(same_bits(good[i], spoiled[i]), "%s: a bad number in one pair changed another", name);
                } else if (std::isnan(bad)) {
                    check(std::isnan(spoiled[i]), "%s: a NaN came out as %g", name, spoiled[i]);
                } else if (bad > 0) {
                    check(!std::isfinite(spoiled[i]), "%s: an infinity came out as %g", name, spoiled[i]);
                } else {
                    check(std::isfinite(spoiled[i]), "%s: a unit at minus infinity is not switched off but gives %g", name, spoiled[i]);
                }
            }
        }
    }

    // One positive chain from an infinite unit: what pads H must not turn it into NaN.
    Case data(1, 1, 1, 0);
    data.weight3[0] = 1;
    (*data.broadcasts[0])[0] = std::numeric_limits<float>::infinity();
    Packed packed(variant, data);
    for (float value : packed.values()) {
        check(value == std::numeric_limits<float>::infinity(), "%s: infinity came out as %g", name, value);
    }

    // NaN weights give NaN.
    for (int which = 0; which < 4; which++) {
        Case spoiled(20, 1, 2, 0);
        (which == 0 ? spoiled.weight2 : which == 1 ? spoiled.bias2 : which == 2 ? spoiled.weight3 : spoiled.bias3)[0] =
            -std::numeric_limits<float>::quiet_NaN();
        (*spoiled.broadcasts[0])[0] = 20;
        (*spoiled.broadcasts[1])[0] = 20;
        Packed network(variant, spoiled);
        for (float value : network.values()) {
            check(std::isnan(value), "%s: a NaN weight (%d) gave %g", name, which, value);
        }
    }
}

void refusals(int variant, int tile_vectors) {
    Case data(20, 1, 2, 2), several(20, 3, 2, 0);
    Packed packed(variant, data), head(variant, several);
    Guarded<float> result(1024);
    size_t size = 0;
    double flops = 0;
    const auto* pairs = packed.pairs.data();
    float* scratch = packed.scratch.data();
    const size_t length = packed.scratch.size();
    void* network = packed.network.data();
    const auto odd = [](auto* pointer) { return reinterpret_cast<decltype(pointer)>(reinterpret_cast<uintptr_t>(pointer) + 2); };

    expect(HF_NULL_POINTER, hf_network_bytes(variant, 1, 1, nullptr), "hf_network_bytes null");
    expect(HF_BAD_SIZE, hf_network_bytes(variant, 0, 1, &size), "hf_network_bytes H 0");
    expect(HF_BAD_SIZE, hf_network_bytes(variant, HF_MAX_HIDDEN + 1, 1, &size), "hf_network_bytes H too large");
    expect(HF_BAD_SIZE, hf_network_bytes(variant, 1, 0, &size), "hf_network_bytes no outputs");
    expect(HF_BAD_SIZE, hf_network_bytes(variant, 1, HF_MAX_OUTPUTS + 1, &size), "hf_network_bytes outputs too many");
    expect(HF_OK, hf_network_bytes(variant, HF_MAX_HIDDEN, HF_MAX_OUTPUTS, &size), "hf_network_bytes largest");
    check(size > 2u * HF_MAX_HIDDEN * HF_MAX_HIDDEN, "the largest network is said to take %zu bytes", size);
    expect(HF_NULL_POINTER, hf_scratch_floats(variant, 1, 0, nullptr), "hf_scratch_floats null");
    expect(HF_BAD_SIZE, hf_scratch_floats(variant, -1, 0, &size), "hf_scratch_floats H");
    expect(HF_BAD_SIZE, hf_scratch_floats(variant, 1, -1, &size), "hf_scratch_floats actions negative");
    expect(HF_BAD_SIZE, hf_scratch_floats(variant, 1, HF_MAX_ACTIONS + 1, &size), "hf_scratch_floats actions too many");

    const auto pack = [&](int hidden, int outputs, const float* w2, const float* b2, const float* w3, int stride,
                          const float* b3, void* to, size_t bytes) {
        return hf_pack_network(variant, hidden, outputs, w2, b2, w3, stride, b3, to, bytes);
    };
    const float *w2 = data.weight2.data(), *b2 = data.bias2.data(), *w3 = data.weight3.data(), *b3 = data.bias3.data();
    const size_t bytes = packed.network.size();
    expect(HF_NULL_POINTER, pack(20, 1, nullptr, b2, w3, 1, b3, network, bytes), "hf_pack_network W2 null");
    expect(HF_NULL_POINTER, pack(20, 1, w2, nullptr, w3, 1, b3, network, bytes), "hf_pack_network b2 null");
    expect(HF_NULL_POINTER, pack(20, 1, w2, b2, nullptr, 1, b3, network, bytes), "hf_pack_network W3 null");
    expect(HF_NULL_POINTER, pack(20, 1, w2, b2, w3, 1, nullptr, network, bytes), "hf_pack_network b3 null");
    expect(HF_NULL_POINTER, pack(20, 1, w2, b2, w3, 1, b3, nullptr, bytes), "hf_pack_network result null");
    expect(HF_MISALIGNED, pack(20, 1, odd(w2), b2, w3, 1, b3, network, bytes), "hf_pack_network W2 misaligned");
    expect(HF_MISALIGNED, pack(20, 1, w2, b2, w3, 1, b3, static_cast<char*>(network) + 32, bytes), "hf_pack_network result misaligned");
    expect(HF_BAD_SIZE, pack(0, 1, w2, b2, w3, 1, b3, network, bytes), "hf_pack_network H 0");
    expect(HF_BAD_SIZE, pack(20, 2, w2, b2, w3, 1, b3, network, bytes), "hf_pack_network output stride");
    expect(HF_SMALL_BUFFER, pack(20, 1, w2, b2, w3, 1, b3, network, bytes - 1), "hf_pack_network small");

    expect(HF_NULL_POINTER, hf_arrange_lanes(variant, nullptr, 16), "hf_arrange_lanes null");
    expect(HF_MISALIGNED, hf_arrange_lanes(variant, odd(result.data()), 16), "hf_arrange_lanes misaligned");
    expect(HF_BAD_SIZE, hf_arrange_lanes(variant, result.data(), 0), "hf_arrange_lanes 0");
    expect(HF_BAD_SIZE, hf_arrange_lanes(variant, result.data(), 24), "hf_arrange_lanes 24");
    expect(HF_BAD_SIZE, hf_arrange_lanes(variant, result.data(), HF_MAX_HIDDEN + 16), "hf_arrange_lanes too long");

    float* values = result.data();
    expect(HF_NULL_POINTER, hf_softq_values(nullptr, pairs, 2, nullptr, scratch, length, values), "hf_softq_values network null");
    expect(HF_NULL_POINTER, hf_softq_values(network, nullptr, 2, nullptr, scratch, length, values), "hf_softq_values pairs null");
    expect(HF_NULL_POINTER, hf_softq_values(network, pairs, 2, nullptr, nullptr, length, values), "hf_softq_values scratch null");
    expect(HF_NULL_POINTER, hf_softq_values(network, pairs, 2, nullptr, scratch, length, nullptr), "hf_softq_values result null");
    expect(HF_MISALIGNED, hf_softq_values(static_cast<char*>(network) + 4, pairs, 2, nullptr, scratch, length, values), "hf_softq_values network");
    expect(HF_MISALIGNED, hf_softq_values(network, odd(pairs), 2, nullptr, scratch, length, values), "hf_softq_values pairs misaligned");
    expect(HF_MISALIGNED, hf_softq_values(network, pairs, 2, nullptr, scratch + 1, length - 1, values), "hf_softq_values scratch misaligned");
    expect(HF_MISALIGNED, hf_softq_values(network, pairs, 2, nullptr, scratch, length, odd(values)), "hf_softq_values result misaligned");
    expect(HF_BAD_SIZE, hf_softq_values(network, pairs, 0, nullptr, scratch, length, values), "hf_softq_values no vectors");
    expect(HF_BAD_SIZE, hf_softq_values(network, pairs, tile_vectors + 1, nullptr, scratch, length, values), "hf_softq_values too many vectors");
    expect(HF_SMALL_BUFFER, hf_softq_values(network, pairs, 2, &packed.action, scratch, length - 1, values), "hf_softq_values small scratch");
    expect(HF_SMALL_BUFFER, hf_softq_values(network, pairs, 2, nullptr, scratch, 0, values), "hf_softq_values no scratch");
    expect(HF_BAD_NETWORK, hf_softq_values(scratch, pairs, 2, nullptr, scratch, length, values), "hf_softq_values not a network");
    expect(HF_BAD_NETWORK, hf_softq_values(head.network.data(), pairs, 2, nullptr, scratch, length, values), "hf_softq_values three outputs");
    const hf_pair_vector holes[] = {{pairs[0].broadcast, pairs[0].lanes}, {nullptr, pairs[0].lanes}, {pairs[0].broadcast, nullptr}};
    expect(HF_NULL_POINTER, hf_softq_values(network, holes, 2, nullptr, scratch, length, values), "hf_softq_values broadcast null");
    expect(HF_NULL_POINTER, hf_softq_values(network, holes + 2, 1, nullptr, scratch, length, values), "hf_softq_values lanes null");

    const auto act = [&](hf_action_share action) { return hf_softq_values(network, pairs, 2, &action, scratch, length, values); };
    const hf_action_share good = packed.action;
    expect(HF_OK, act(good), "hf_softq_values action");
    expect(HF_NULL_POINTER, act({nullptr, good.weights, 2, good.action_stride}), "hf_softq_values action null");
    expect(HF_NULL_POINTER, act({good.action, nullptr, 2, good.action_stride}), "hf_softq_values action weights null");
    expect(HF_BAD_SIZE, act({good.action, good.weights, 0, good.action_stride}), "hf_softq_values no actions");
    expect(HF_BAD_SIZE, act({good.action, good.weights, HF_MAX_ACTIONS + 1, good.action_stride}), "hf_softq_values too many actions");
    expect(HF_BAD_SIZE, act({good.action, good.weights, 2, 31}), "hf_softq_values action stride");
    expect(HF_MISALIGNED, hf_softq_values(network, pairs, 2, odd(&packed.action), scratch, length, values), "hf_softq_values action misaligned");

    const auto put = [&](const void* from, const hf_pair_vector* at, int count, float* memory, size_t floats, float* to, int stride) {
        return hf_softq_head(from, at, count, memory, floats, to, stride);
    };
    expect(HF_NULL_POINTER, put(nullptr, pairs, 2, scratch, length, values, 32), "hf_softq_head network null");
    expect(HF_NULL_POINTER, put(head.network.data(), pairs, 2, scratch, length, nullptr, 32), "hf_softq_head result null");
    expect(HF_BAD_SIZE, put(head.network.data(), pairs, 2, scratch, length, values, 31), "hf_softq_head stride");
    expect(HF_BAD_SIZE, put(head.network.data(), pairs, -1, scratch, length, values, 32), "hf_softq_head vectors");
    expect(HF_SMALL_BUFFER, put(head.network.data(), pairs, 2, scratch, 15, values, 32), "hf_softq_head scratch");
    expect(HF_BAD_NETWORK, put(scratch, pairs, 2, scratch, length, values, 32), "hf_softq_head not a network");

    expect(HF_NULL_POINTER, hf_multiply_add_loop(variant, 1, nullptr), "hf_multiply_add_loop null");
    expect(HF_BAD_SIZE, hf_multiply_add_loop(variant, 0, &flops), "hf_multiply_add_loop none");
    expect(HF_OK, hf_multiply_add_loop(variant, 10, &flops), "hf_multiply_add_loop");
    check(flops > 0, "the multiply-add loop did %g operations", flops);
}

void refusals_without_a_variant() {
    size_t size = 0;
    double flops = 0;
    float share[256] = {};
    hf_variant_info info;
    expect(HF_NULL_POINTER, hf_variant(0, nullptr), "hf_variant null");
    for (int variant : {-1, static_cast<int>(hf_variant_count())}) {
        expect(HF_BAD_VARIANT, hf_variant(variant, &info), "hf_variant number");
        expect(HF_BAD_VARIANT, hf_network_bytes(variant, 1, 1, &size), "hf_network_bytes number");
        expect(HF_BAD_VARIANT, hf_scratch_floats(variant, 1, 0, &size), "hf_scratch_floats number");
        expect(HF_BAD_VARIANT, hf_arrange_lanes(variant, share, 16), "hf_arrange_lanes number");
        expect(HF_BAD_VARIANT, hf_multiply_add_loop(variant, 1, &flops), "hf_multiply_add_loop number");
    }
    check(hf_abi_version() == HF_ABI_VERSION, "the library's version is %d", hf_abi_version());
    check(hf_hidden_stride(17) == 32 && hf_hidden_stride(0) == 0 && hf_hidden_stride(HF_MAX_HIDDEN + 1) == 0, "hf_hidden_stride");
    for (int status = HF_OK; status <= HF_INTERNAL; status++) {
        check(std::string(hf_status_message(status)) != hf_status_message(-1), "status %d has no message", status);
    }
}

}  // namespace

int main() {
    refusals_without_a_variant();
    for (int variant = 0; variant < hf_variant_count(); variant++) {
        hf_variant_info info;
        expect(HF_OK, hf_variant(variant, &info), "hf_variant");
        check((info.supported != 0) == (info.reason[0] == '\0'), "%s: supported is %d, the reason '%s'", info.name, info.supported, info.reason);
        check(variant != Portable || (info.supported != 0 && info.offered == 0), "the reference must run anywhere, and not be offered");
        if (info.supported == 0) {
            size_t size = 0;
            expect(HF_UNSUPPORTED, hf_network_bytes(variant, 1, 1, &size), "an unsupported variant");
            std::printf("skipped %s: %s\n", info.name, info.reason);
            continue;
        }
        const int before = checks;
        refusals(variant, info.tile_vectors);
        sizes_agree(info.name, variant, info.tile_vectors);
        place_does_not_matter(info.name, variant, info.tile_vectors);
        bad_numbers_stay_where_they_are(info.name, variant);
        std::printf("%s: %d checks\n", info.name, checks - before);
    }
    std::printf("%d checks, %d failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
