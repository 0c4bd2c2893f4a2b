/* What the files of the fake driver share: its objects, the checks at the head of every entry point, and the work of streams. */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

#include <stddef.h>
#include <stdint.h>

#include "Machine/machine.h"

#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209, INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_READY = 600, ILLEGAL_ADDRESS = 700, NOT_PERMITTED = 800,
    CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901,
    DISABLE_TIMING = 2 /* of an event */
};

typedef enum { KIND_CONTEXT, KIND_STREAM, KIND_EVENT, KIND_MODULE, KIND_FUNCTION, KIND_GRAPH, KIND_EXECUTABLE, KIND_BUFFER, KIND_HOST, KINDS } kind;

enum { MAX_OBJECTS = 4096, MAX_PARAMETERS = 64, MAX_DEPTH = 16, LOG_BYTES = 1 << 20, MAX_NODES = 256, FREE_SHARED = 48 << 10 };

struct object;

/* Something that a stream does when its turn comes. */
typedef struct work {
    enum { WORK_UPLOAD, WORK_DOWNLOAD, WORK_COPY, WORK_SET, WORK_LAUNCH, WORK_RECORD, WORK_WAIT } what;
    uint64_t to, from;              /* on the device */
    void *host;
    size_t bytes;
    unsigned char value;
    const struct object *function;
    unsigned groups[3], threads[3];
    size_t shared;
    unsigned char *parameters;      /* a copy, as the kernel sees them */
    struct object *event;
    long recording;                 /* of the event */
    long sequence;                  /* among all that was ever queued */
    char *text;                     /* graph: the line of the log */
    struct work *next;
} work;

typedef struct object {
    kind what;
    int id;
    int live;
    char *text;                     /* module: PTX; function: name */
    machine_module *module;
    machine_function *function;
    void *memory;                   /* host */
    uint64_t address;               /* buffer */
    size_t bytes;
    int dynamic_shared;
    unsigned flags;                 /* stream */
    work *first, *last;             /* stream: what it has not done yet */
    long recorded, reached;         /* event: number of its last recording, 0 before the first; of the last that was reached */
    struct object *recorded_on;
    int untimed;                    /* event: made without timing */
    int node_count;                 /* graph, executable */
    work nodes[MAX_NODES];
} object;

extern const char *const kind_names[KINDS];
extern object *objects[MAX_OBJECTS];
extern int object_count, started, capture_broken, executes, broken;
extern object *capture_stream, *capture_graph;

void write_log(const char *format, ...);
object *make(kind what);
void end(object *what);
object *check(const void *handle, kind what);
object *find_buffer(uint64_t address, size_t bytes); /* the live buffer that holds a range */
object *find_host(const void *address, size_t bytes);
int has_context(void);
int device_capability(void);
int device_shared(void);
void fault(int code, const char *text); /* ends all work; every later call fails with the code */
int injected(const char *name);
int skipped(const char *name);

const char *stream_name(const object *stream);
int enqueue(object *stream, work what, const char *text); /* now, or into the graph that is being recorded */
int finish_all(void);                                      /* all that is queued anywhere */
void reset_streams(void);
void free_work(work *what);

#define ENTER(name) do { int code_ = injected(name); if (code_ != SUCCESS) return code_; if (!started) return NOT_INITIALIZED; \
    if (skipped(name)) return SUCCESS; } while (0)
/* After a kernel has failed, every call says so. */
#define NEEDS_CONTEXT() do { if (!has_context()) return INVALID_CONTEXT; if (broken != SUCCESS) return broken; } while (0)
/* What the recording thread may not do. */
#define NO_CAPTURE() do { if (capture_stream != NULL) { capture_broken = 1; return CAPTURE_UNSUPPORTED; } } while (0)
#define STREAM(stream, handle) object *stream = check(handle, KIND_STREAM); if (handle != NULL && stream == NULL) return INVALID_HANDLE

#endif
