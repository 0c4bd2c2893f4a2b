/*
 * HipiFast in C: hindsight relabeling by inverse RL. Transitions are given the tasks for which, in hindsight, they were the right thing to do:
 *
 *     logZ_i = log(1/B sum_j exp Q~[j, i])                           the partition of candidate task i over the B transitions
 *     q(i | j) ~ p_i exp((Q~[j, i] - logZ_i) / T)                    the posterior of transition j, which it draws its task from
 *
 * Memory. All matrices are row-major float32 without padding, in the caller's memory, which is read and written where it is: nothing is copied,
 * and no pointer is kept after a call. Pointers must be good for as many entries as the sizes say; that is all that the library cannot check.
 *
 * Handles. Families, agents, relabelers and samplers are numbers. None ever comes twice: one that was destroyed, made up or is of another kind
 * gives HIPIFAST_INVALID_HANDLE. Whatever a relabeler was made of may be destroyed before it (of an agent that is gone its next call says so).
 *
 * Errors. Functions return a status; whatever they return, the caller's transitions are as they were unless it is HIPIFAST_OK.
 * hipifast_last_error() is one sentence about the last call of this thread that failed. No C++ or .NET exception leaves a call.
 *
 * Threads. Any thread may call anything. A relabeler or sampler serves one call at a time; a second thread gets HIPIFAST_BUSY and nothing has
 * happened. Different handles do not wait for each other. Calls use the threads of the option "threads" (0: one per core; results do not depend
 * on it) from a pool of the process. After fork() the child may not call (threads do not survive it): load the library after forking.
 *
 * Speed. After the first call of a size, calls of hipifast_relabel, hipifast_relabel_from_q and hipifast_sample allocate nothing.
 *
 * Options are JSON with the keys and values of the command line, as in {"candidates": "both", "temperature": 0.5}; those of `hipifast relabel`:
 * relabel, estimator, assign, relabel_fraction, candidates, group_rows, group_candidates, goal_mix, partition, partition_decay, temperature, twin,
 * exact_terminal_value, row_pool, relabel_alpha, gamma, memory_budget, seed, reached_state, threads, backend, precision. NULL for the defaults.
 */
#ifndef HIPIFAST_H
#define HIPIFAST_H

#include <stdint.h>

#if defined(_WIN32)
#if defined(HIPIFAST_BUILD)
#define HIPIFAST_API __declspec(dllexport)
#else
#define HIPIFAST_API __declspec(dllimport)
#endif
#else
#define HIPIFAST_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever a signature or a structure does; compare with hipifast_abi_version(). */
#define HIPIFAST_ABI_VERSION 1

typedef int32_t hipifast_status;
enum {
  HIPIFAST_OK = 0,
  HIPIFAST_INVALID_ARGUMENT = 1, /* null, a size or an option that cannot be, or a combination of them */
  HIPIFAST_INVALID_HANDLE = 2,
  HIPIFAST_INVALID_DATA = 3,  /* a number that is not finite; a file, text or tensor that breaks its format */
  HIPIFAST_BUSY = 4,          /* another thread's call on the same handle is under way */
  HIPIFAST_NOT_SUPPORTED = 5, /* this machine cannot do it */
  HIPIFAST_OUT_OF_MEMORY = 6,
  HIPIFAST_IO = 7,              /* a file is not there or cannot be read */
  HIPIFAST_FUNCTION_FAILED = 8, /* a function of the caller's returned other than 0 */
  HIPIFAST_INTERNAL = 9,
  HIPIFAST_NOT_LOADED = 10 /* no library for this processor lies beside this one */
};

/* 0 is nothing. */
typedef uint64_t hipifast_handle;

/* Widths of a transition, each 1 or more: S entries of a state, A of an action, P of a task. */
typedef struct hipifast_shape {
  int32_t observation_dimension;
  int32_t action_dimension;
  int32_t task_dimension;
  int32_t reserved;
} hipifast_shape;

/* B transitions. Written by relabeling: task, reward, terminated; by task ("assign": "task") also observation, action and next_observation. */
typedef struct hipifast_batch {
  hipifast_shape shape;
  int64_t rows;            /* B, 1 or more */
  float* observation;      /* [B, S] */
  float* action;           /* [B, A], entries in [-1, 1] */
  float* next_observation; /* [B, S] */
  float* task;             /* [B, P]: the commanded tasks; then the new ones */
  float* reward;           /* [B]: overwritten by the rewards under the new tasks; NULL where nobody wants them */
  uint8_t* terminated;     /* [B]: overwritten, 1 where the new task ends with the transition; NULL likewise */
} hipifast_batch;

/* What a relabel call says. Pointers may be NULL where nobody wants the numbers. */
typedef struct hipifast_relabeling {
  int64_t candidate_room; /* set by the caller: for how many candidates the four matrices below have room */
  int64_t candidates;     /* K; 0 where inverse RL served no transition */
  int32_t* task_index;    /* [B]: which candidate, or -1 where a transition kept its task or was given one by another strategy */
  uint8_t* relabeled;     /* [B]: 1 where the task was chosen anew */
  float* candidate_task;  /* [K, P] */
  float* log_partition;   /* [K], logZ in nats; zeros without a partition */
  float* soft_q;          /* [B, K], Q~ in nats, exact terminal values in place */
  float* posterior;       /* [B, K], rows adding up to 1 */
  float posterior_entropy, effective_tasks, commanded_is_mode, log_partition_min, log_partition_max, kl_from_commanded, relabeled_share,
      terminated_share; /* docs/metrics.md; NaN where one does not apply */
} hipifast_relabeling;

/* What hipifast_sample draws. Pointers may be NULL. */
typedef struct hipifast_draw {
  int32_t* index;       /* by row [B]: a candidate for each transition; by task [K]: a transition for each candidate */
  float* log_partition; /* [K]; zeros without a partition, and by task */
  int32_t* mode;        /* by row [B]: the most likely candidate */
  float* entropy;       /* by row [B], in nats */
  float* posterior;     /* by row [B, K], rows adding up to 1 */
} hipifast_draw;

/* A tensor of a state_dict. */
typedef struct hipifast_tensor {
  const char* name;
  const float* values;  /* row-major */
  const int64_t* shape; /* extents, outermost first */
  int64_t rank;
} hipifast_tensor;

/* Pairs of transitions and tasks that a family's function judges. */
typedef struct hipifast_pairs {
  int64_t rows;                  /* R transitions */
  int64_t tasks;                 /* K tasks, each for every transition; 0: every transition has one of its own */
  int32_t observation_dimension; /* S */
  int32_t action_dimension;      /* A */
  int32_t task_dimension;        /* P */
  int32_t reserved;
  const float* observation;      /* [R, S] */
  const float* action;           /* [R, A] */
  const float* next_observation; /* [R, S] */
  const float* task;             /* [K, P], or [R, P] */
  float* reward;                 /* to be written: [R, K], or [R], finite */
  uint8_t* terminated;           /* to be written: 1 where the task ends with the transition, else 0 */
} hipifast_pairs;

/* Called from several threads at once; returns 0, or anything else to end the relabel call with HIPIFAST_FUNCTION_FAILED. */
typedef int32_t (*hipifast_judge_function)(void* context, const hipifast_pairs* pairs);

/* The tasks [R, P] that states [R, S] achieve, where `commanded` [R, P] were asked for; returns as above. */
typedef int32_t (*hipifast_achieved_function)(void* context, const float* observation, const float* commanded, int64_t rows,
                                              int32_t observation_dimension, float* task);

HIPIFAST_API int32_t hipifast_abi_version(void);

/* "0.1.0"; static. */
HIPIFAST_API const char* hipifast_version(void);

/* The level of instructions that was chosen: "x86-64-v2", "x86-64-v3", "x86-64-v4" or "arm64"; static, "" where none is loaded. The environment
 * variable HIPIFAST_LEVEL chooses a lower one. */
HIPIFAST_API const char* hipifast_level(void);

/* Bits of the vectors that the kernels in C# are built on: 128, 256 or 512. */
HIPIFAST_API int32_t hipifast_vector_bits(void);

/* Of this thread; UTF-8, good until its next call that fails. "" where none has failed. */
HIPIFAST_API const char* hipifast_last_error(void);

/* Handles that are not destroyed. */
HIPIFAST_API int64_t hipifast_handle_count(void);

/* 0 is passed over. HIPIFAST_BUSY: a call is under way, and the handle stays. */
HIPIFAST_API hipifast_status hipifast_destroy(hipifast_handle handle);

/* A built-in family by JSON (docs/formats.md): {"kind": "goal", "achieved": [0, 1], "margin": 0.1}, or the path of a file of it. */
HIPIFAST_API hipifast_status hipifast_family_from_json(const char* json, hipifast_handle* family);

/* A family of the caller's own: reward and termination by `judge`. `achieved` may be NULL where states achieve no tasks. */
HIPIFAST_API hipifast_status hipifast_family_from_functions(int32_t task_dimension, void* context, hipifast_judge_function judge,
                                                            hipifast_achieved_function achieved, hipifast_handle* family);

/* P. */
HIPIFAST_API hipifast_status hipifast_family_task_dimension(hipifast_handle family, int32_t* task_dimension);

/* Networks of a safetensors file. `format`: whose names its tensors have, "auto" (or NULL), "hipifast", "sb3" or "cleanrl". `layers`: a JSON
 * description of what the file does not say, or NULL. */
HIPIFAST_API hipifast_status hipifast_agent_from_file(const char* path, const hipifast_shape* shape, const char* format, const char* layers,
                                                      hipifast_handle* agent);

/* Networks of tensors in memory, which are copied; a state_dict of torch as it is. */
HIPIFAST_API hipifast_status hipifast_agent_from_tensors(const hipifast_tensor* tensors, int64_t count, const hipifast_shape* shape,
                                                         const char* format, const char* layers, hipifast_handle* agent);

/* `agent` 0: only hipifast_relabel_from_q and strategies that ask no networks. */
HIPIFAST_API hipifast_status hipifast_relabeler_create(hipifast_handle family, hipifast_handle agent, const char* options,
                                                       hipifast_handle* relabeler);

/* Reserves the memory for calls of B rows and K candidates (0: those that the options say), so that the first is as quick as the later ones. */
HIPIFAST_API hipifast_status hipifast_relabeler_prepare(hipifast_handle relabeler, const hipifast_shape* shape, int64_t rows, int64_t candidates,
                                                        int32_t by_soft_q);

/* The tasks [K, P] of the option "candidates": "fixed", and their log prior [K] or NULL; copied. */
HIPIFAST_API hipifast_status hipifast_relabeler_set_candidates(hipifast_handle relabeler, const float* tasks, int64_t count, const float* log_prior);

/* Relabels a batch by the agent's networks. Candidates [K, P] with an optional log prior [K] (-inf excludes a task), or NULL for those that the
 * options say. */
HIPIFAST_API hipifast_status hipifast_relabel(hipifast_handle relabeler, const hipifast_batch* batch, const float* candidates, int64_t count,
                                              const float* log_prior, hipifast_relabeling* result);

/* Relabels a batch by Q~ [B, columns] from anywhere, in nats. Candidates as above; those of the options are in the order of the rows that command
 * or reach them. By task columns = B: every transition under every commanded task. */
HIPIFAST_API hipifast_status hipifast_relabel_from_q(hipifast_handle relabeler, const hipifast_batch* batch, const float* soft_q, int64_t columns,
                                                     const float* candidates, int64_t count, const float* log_prior, hipifast_relabeling* result);

/* Partition and draws of a matrix alone, without transitions: reads the options assign, partition, partition_decay, temperature, seed, threads. */
HIPIFAST_API hipifast_status hipifast_sampler_create(const char* options, hipifast_handle* sampler);

/* Draws from Q~ [B, K]. */
HIPIFAST_API hipifast_status hipifast_sample(hipifast_handle sampler, const float* soft_q, int64_t rows, int64_t candidates, const float* log_prior,
                                             hipifast_draw* result);

/* Number of the next call of a relabeler or sampler, a word of every random counter; grows by one with each call that succeeds. */
HIPIFAST_API hipifast_status hipifast_get_call(hipifast_handle handle, uint32_t* call);
HIPIFAST_API hipifast_status hipifast_set_call(hipifast_handle handle, uint32_t call);

#ifdef __cplusplus
}
#endif

#endif
