/*
 * hipifast_mujoco: what HipiFast needs of MuJoCo (2.2.2 and later), behind a C ABI that knows none of MuJoCo's structures.
 *
 * A model is read-only and may be shared by threads. A simulator is the scratch memory of one thread. Everything that the next step depends on is
 * the caller's: a state, `state_size` doubles, in this order:
 *
 *     time | qpos [nq] | qvel [nv] | act [na] | qacc_warmstart [nv] | mocap_pos [nmocap][3] | mocap_quat [nmocap][4]
 *
 * so that a step is a function of state and control alone, bit for bit, whichever simulator makes it.
 *
 * Conventions. Every function returns a status (hf_mj_status) unless it says otherwise, checks every pointer and size it is given, and throws
 * nothing. Where MuJoCo would end the process (mju_error) or report on the console (mju_warning), the call returns a status instead; a simulator
 * whose call failed may be used again. Buffers are the caller's; counts are in elements and are at least what is said. A model must outlive its
 * simulators. Text is UTF-8.
 */
#ifndef HIPIFAST_MUJOCO_H
#define HIPIFAST_MUJOCO_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(HF_MJ_BUILD)
#define HF_MJ_API __declspec(dllexport)
#else
#define HF_MJ_API __declspec(dllimport)
#endif
#else
#define HF_MJ_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Changes whenever a signature, a structure or a layout does; compare with hf_mj_abi_version(). */
#define HF_MJ_ABI_VERSION 1

/* Longest model text in bytes, and most substeps of one call. */
#define HF_MJ_MAX_XML (1 << 24)
#define HF_MJ_MAX_SUBSTEPS 1000000

typedef enum hf_mj_status {
    HF_MJ_OK = 0,
    HF_MJ_NULL_POINTER = 1, /* a pointer that must not be null is */
    HF_MJ_BAD_SIZE = 2,     /* a count is out of its range, or a buffer too short */
    HF_MJ_BAD_MODEL = 3,    /* MuJoCo does not accept the model; the message says why */
    HF_MJ_NOT_FOUND = 4,    /* the model has nothing of that kind and name */
    HF_MJ_UNSTABLE = 5,     /* the simulation diverged, or ran out of room for contacts; the state is as it was */
    HF_MJ_NO_MEMORY = 6,    /* memory is not to be had */
    HF_MJ_ERROR = 7,        /* MuJoCo called its error handler; hf_mj_last_error says what it said */
    HF_MJ_NOT_FINITE = 8    /* a state or a control holds a number that is not finite */
} hf_mj_status;

typedef enum hf_mj_kind { HF_MJ_BODY = 0, HF_MJ_JOINT = 1, HF_MJ_GEOM = 2, HF_MJ_SITE = 3, HF_MJ_ACTUATOR = 4, HF_MJ_SENSOR = 5 } hf_mj_kind;

typedef struct hf_mj_model hf_mj_model;
typedef struct hf_mj_simulator hf_mj_simulator;

typedef struct hf_mj_sizes {
    int32_t state;       /* doubles of a state */
    int32_t positions;   /* nq */
    int32_t velocities;  /* nv */
    int32_t activations; /* na */
    int32_t mocaps;      /* nmocap */
    int32_t controls;    /* nu */
    int32_t sensors;     /* doubles of all sensors' readings */
    int32_t bodies;      /* nbody, the world included */
    int32_t geoms;       /* ngeom */
    double time_step;    /* s */
} hf_mj_sizes;

/* Where a named thing lies. */
typedef struct hf_mj_place {
    int32_t id;       /* its number among its kind */
    int32_t address;  /* joint: in qpos; sensor: in the readings; else -1 */
    int32_t velocity; /* joint: in qvel; else -1 */
    int32_t limited;  /* joint or actuator: 1 when it has a range */
    double low;       /* its range, when limited */
    double high;
} hf_mj_place;

/* One geom where a state puts it. */
typedef struct hf_mj_geom {
    int32_t type; /* mjtGeom: 0 plane, 2 sphere, 3 capsule, 4 ellipsoid, 5 cylinder, 6 box */
    int32_t body;
    double size[3];
    double position[3];
    double rotation[9]; /* row-major, geom to world */
    float rgba[4];
} hf_mj_geom;

/* One contact. */
typedef struct hf_mj_contact {
    int32_t geom1;
    int32_t geom2;
    double distance; /* m; negative where they overlap */
    double normal_force; /* N */
} hf_mj_contact;

/* HF_MJ_ABI_VERSION of the library. */
HF_MJ_API int32_t hf_mj_abi_version(void);

/* MuJoCo's version number, such as 222: of the headers this library was built with, and of the library it found. */
HF_MJ_API int32_t hf_mj_header_version(void);
HF_MJ_API int32_t hf_mj_mujoco_version(void);

/* What a status means, one sentence without a full stop; static. */
HF_MJ_API const char* hf_mj_status_message(int32_t status);

/* What MuJoCo said when a call of this thread last returned HF_MJ_BAD_MODEL, HF_MJ_UNSTABLE or HF_MJ_ERROR; empty when none has. Never null;
   valid until the thread's next call. */
HF_MJ_API const char* hf_mj_last_error(void);

/* Reads a model from MJCF text of `length` bytes (no terminating zero needed). The model is the caller's, to be freed by hf_mj_free_model. */
HF_MJ_API int32_t hf_mj_load(const char* xml, size_t length, hf_mj_model** model);

/* Frees a model; null is left alone. */
HF_MJ_API void hf_mj_free_model(hf_mj_model* model);

HF_MJ_API int32_t hf_mj_get_sizes(const hf_mj_model* model, hf_mj_sizes* sizes);

/* Finds a body, joint, geom, site, actuator or sensor (hf_mj_kind) by name. */
HF_MJ_API int32_t hf_mj_find(const hf_mj_model* model, int32_t kind, const char* name, hf_mj_place* place);

HF_MJ_API int32_t hf_mj_make_simulator(const hf_mj_model* model, hf_mj_simulator** simulator);

/* Frees a simulator; null is left alone. */
HF_MJ_API void hf_mj_free_simulator(hf_mj_simulator* simulator);

/* The model's own initial state. */
HF_MJ_API int32_t hf_mj_initial_state(hf_mj_simulator* simulator, double* state, int32_t state_size);

/*
 * Steps a state `substeps` times, in [1, HF_MJ_MAX_SUBSTEPS], under one control, then reads the sensors.
 *   control       [control_count], control_count = nu; may be null when nu is 0
 *   state         [state_size], in and out; unchanged unless the status is HF_MJ_OK
 *   readings      result [reading_count], reading_count = sizes.sensors; may be null when that is 0. Positions and velocities are those after the
 *                 last substep; forces (touch sensors) those during it.
 */
HF_MJ_API int32_t hf_mj_step(hf_mj_simulator* simulator, const double* control, int32_t control_count, int32_t substeps, double* state,
                             int32_t state_size, double* readings, int32_t reading_count);

/* Reads the sensors in a state that nothing has stepped yet, under no control. contact_count, unless null, receives the number of contacts. */
HF_MJ_API int32_t hf_mj_read(hf_mj_simulator* simulator, const double* state, int32_t state_size, double* readings, int32_t reading_count,
                             int32_t* contact_count);

/* Energy of a state, J: potential and kinetic. HF_MJ_BAD_MODEL unless the model enables the flag `energy`. */
HF_MJ_API int32_t hf_mj_energy(hf_mj_simulator* simulator, const double* state, int32_t state_size, double* potential, double* kinetic);

/* The contacts of a state: at most `capacity` are written; count receives how many there are. contacts may be null when capacity is 0. */
HF_MJ_API int32_t hf_mj_contacts(hf_mj_simulator* simulator, const double* state, int32_t state_size, hf_mj_contact* contacts, int32_t capacity,
                                 int32_t* count);

/* Where a state puts all geoms; capacity is sizes.geoms or more. */
HF_MJ_API int32_t hf_mj_geoms(hf_mj_simulator* simulator, const double* state, int32_t state_size, hf_mj_geom* geoms, int32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
