/*
 * hipifast: what .NET cannot emit. Soft-Q tiles with bf16 products and fp32 sums, one table of variants by instruction set.
 *
 * A tile is `vectors` groups of 16 pairs (transition, task). For pair p, with H hidden units and the first layer already split into a share of
 * each side:
 *
 *     x = relu(broadcast + lanes [+ sum_d weights_d action_d])     [H], fp32, then rounded to bf16
 *     h = relu(W2 x + b2)                                          [H], W2 rounded to bf16, sums in fp32
 *     y = W3 h + b3                                                [outputs], fp32
 *
 * Conventions. HS is H rounded up to a multiple of 16 (hf_hidden_stride); shares and weights are padded with zeros to HS. Every function returns a
 * status (hf_status) unless it says otherwise, checks every pointer and size it is given, throws nothing, keeps no pointer and allocates nothing:
 * all memory is the caller's. All functions may be called from any thread at the same time; scratch and results must not be shared by two calls in
 * flight and must not overlap an input. A pair's result depends on its own numbers alone, bit for bit, not on its place in the tile. NaN and
 * infinities pass through, as in fp32; subnormal bf16 operands count as zero. "Aligned" means to 64 bytes; every other float pointer is aligned
 * to 4.
 */
#ifndef HIPIFAST_KERNELS_H
#define HIPIFAST_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(HF_BUILD)
#define HF_API __declspec(dllexport)
#else
#define HF_API __declspec(dllimport)
#endif
#else
#define HF_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever a signature, a structure or a layout does; compare with hf_abi_version(). */
#define HF_ABI_VERSION 1

/* Largest H, number of outputs, and number of action entries: far beyond use, small enough that no size overflows. */
#define HF_MAX_HIDDEN 16384
#define HF_MAX_OUTPUTS 4096
#define HF_MAX_ACTIONS 4096

/* Pairs in a vector of pairs. */
#define HF_LANES 16

typedef enum hf_status {
    HF_OK = 0,
    HF_NULL_POINTER = 1,  /* a pointer that must not be null is */
    HF_MISALIGNED = 2,    /* a pointer is not aligned as its parameter says */
    HF_BAD_SIZE = 3,      /* a count or width is out of its range */
    HF_BAD_VARIANT = 4,   /* no variant has that number */
    HF_UNSUPPORTED = 5,   /* the variant is not compiled in or cannot run on this machine; hf_variant says why */
    HF_BAD_NETWORK = 6,   /* the block was not written by hf_pack_network, or for other sizes */
    HF_SMALL_BUFFER = 7,  /* a buffer is smaller than its size function says */
    HF_INTERNAL = 8       /* an exception was caught at the boundary */
} hf_status;

/* What is known of a variant. Strings are static, UTF-8, never null. */
typedef struct hf_variant_info {
    const char* name;     /* such as "amxbf16" */
    const char* reason;   /* why it cannot run here, one sentence; empty when it can */
    int32_t compiled;     /* 1 when its code is in this library */
    int32_t supported;    /* 1 when it can run on this machine */
    int32_t tested;       /* 0 when its code has never run on the hardware it is for */
    int32_t offered;      /* 0 for the plain reference, which is for checks and not for use */
    int32_t tile_vectors; /* most vectors of 16 pairs in one tile */
    int32_t reserved;     /* 0 */
} hf_variant_info;

/* One vector of 16 pairs: an entry of the broadcast side against a block of 16 entries of the lane side. */
typedef struct hf_pair_vector {
    const float* broadcast; /* [HS] */
    const float* lanes;     /* [HS][16] rearranged by hf_arrange_lanes */
} hf_pair_vector;

/* The sampled actions' part of the first layer, which differs from pair to pair. */
typedef struct hf_action_share {
    const float* action;  /* [count][action_stride], the first vectors * 16 entries of each row are used */
    const float* weights; /* [count][HS] */
    int32_t count;        /* 1 to HF_MAX_ACTIONS */
    int32_t action_stride; /* vectors * 16 or more */
} hf_action_share;

/* HF_ABI_VERSION of the library. */
HF_API int32_t hf_abi_version(void);

/* What a status means, one sentence without a full stop; static. */
HF_API const char* hf_status_message(int32_t status);

/* Number of variants, whether they can run or not. A variant's number is its place in [0, count) and is stable within one ABI version. */
HF_API int32_t hf_variant_count(void);

/* Describes a variant. Asks the operating system once for leave to use AMX tiles where that is needed. */
HF_API int32_t hf_variant(int32_t variant, hf_variant_info* info);

/* H rounded up to a multiple of 16; 0 when H is out of range. */
HF_API int32_t hf_hidden_stride(int32_t hidden);

/* Bytes of a packed network of H = hidden in [1, HF_MAX_HIDDEN] and outputs in [1, HF_MAX_OUTPUTS]. */
HF_API int32_t hf_network_bytes(int32_t variant, int32_t hidden, int32_t outputs, size_t* bytes);

/*
 * Packs layers 2 and 3 of a network.
 *   weight2       [HS][HS], input-major: weight2[k][o] leads from unit k to unit o
 *   bias2         [HS]
 *   weight3       [HS][output_stride], input-major; output_stride >= outputs (1 for a single output)
 *   bias3         [outputs]
 *   network       result, `bytes` bytes (hf_network_bytes or more), aligned
 */
HF_API int32_t hf_pack_network(int32_t variant, int32_t hidden, int32_t outputs, const float* weight2, const float* bias2, const float* weight3,
                               int32_t output_stride, const float* bias3, void* network, size_t bytes);

/* Floats of scratch that a tile needs for networks of H = hidden and at most `actions` in [0, HF_MAX_ACTIONS] entries of sampled actions. */
HF_API int32_t hf_scratch_floats(int32_t variant, int32_t hidden, int32_t actions, size_t* floats);

/*
 * Rearranges a lane block's part in place, from [HS][16] to [HS / 2][16][2]: units k and k + 1 of a pair side by side, the order in which bf16
 * dot products want them. hidden_stride is a multiple of 16 up to HF_MAX_HIDDEN.
 */
HF_API int32_t hf_arrange_lanes(int32_t variant, float* share, int32_t hidden_stride);

/*
 * values[v * 16 + l] = y of pair l of vector v.
 *   network       packed, of one output
 *   pairs         [vectors], vectors in [1, tile_vectors]
 *   action        null when there is none
 *   scratch       scratch_floats floats (hf_scratch_floats or more), aligned
 *   values        result [vectors * 16]
 */
HF_API int32_t hf_softq_values(const void* network, const hf_pair_vector* pairs, int32_t vectors, const hf_action_share* action, float* scratch,
                               size_t scratch_floats, float* values);

/*
 * head[o * head_stride + v * 16 + l] = y_o of pair l of vector v, for o in [0, outputs).
 *   head          result [outputs][head_stride], head_stride >= vectors * 16; what lies beyond vectors * 16 in a row is left alone
 */
HF_API int32_t hf_softq_head(const void* network, const hf_pair_vector* pairs, int32_t vectors, float* scratch, size_t scratch_floats, float* head,
                             int32_t head_stride);

/*
 * Runs bf16 multiply-adds on registers alone, 24 independent accumulators (4 tiles for AMX), for the caller to time: the machine's peak.
 *   iterations    passes over the accumulators, in [1, 2^31)
 *   flops         result: floating-point operations done, a multiply and an addition counting as two
 */
HF_API int32_t hf_multiply_add_loop(int32_t variant, int64_t iterations, double* flops);

#ifdef __cplusplus
}
#endif

#endif
