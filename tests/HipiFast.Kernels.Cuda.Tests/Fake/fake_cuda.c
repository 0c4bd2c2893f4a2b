/* A CUDA driver without a GPU: the entry points that HipiFast uses, with the checks that the real one makes of handles, contexts, ranges and
 * recordings. Memory is real, so that copies can be checked; kernels do nothing, but their launch is written down with the bytes of every parameter,
 * whose sizes are read from the PTX. A test reads what was called from fake_log(), and makes any entry point fail by fake_fail().
 * Nothing here is safe for threads: tests run one after another. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

enum {
    SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NOT_INITIALIZED = 3, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209, INVALID_PTX = 218, INVALID_HANDLE = 400, NOT_FOUND = 500, NOT_PERMITTED = 800, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901,
    DISABLE_TIMING = 2 /* of an event */
};

typedef enum { KIND_CONTEXT, KIND_STREAM, KIND_EVENT, KIND_MODULE, KIND_FUNCTION, KIND_GRAPH, KIND_EXECUTABLE, KIND_BUFFER, KIND_HOST, KINDS } kind;
static const char *const kind_names[KINDS] = {"context", "stream", "event", "module", "function", "graph", "executable", "buffer", "host"};

enum { MAX_OBJECTS = 4096, MAX_PARAMETERS = 64, MAX_DEPTH = 16, LOG_BYTES = 1 << 20, MAX_NODES = 256, STATIC_SHARED = 1024, FREE_SHARED = 48 << 10 };

typedef struct {
    enum { NODE_UPLOAD, NODE_DOWNLOAD, NODE_COPY, NODE_SET, NODE_LAUNCH } what;
    void *to;
    const void *from;
    size_t bytes;
    unsigned char value;
    char *text;
} node;

typedef struct object {
    kind what;
    int id;
    int live;
    char *text;                     /* module: PTX; function: name */
    char *memory;
    size_t bytes;
    int parameters, sizes[MAX_PARAMETERS], dynamic_shared;
    long when;                      /* event: number of the recording; 0 before the first */
    int untimed;                    /* event: made without timing */
    int node_count;                 /* graph, executable */
    node nodes[MAX_NODES];
} object;

static object *objects[MAX_OBJECTS];
static int object_count, next_id[KINDS], live[KINDS];
static char log_text[LOG_BYTES];
static size_t log_length;
static object *stack[MAX_DEPTH];
static int depth, retained, started, device_count = 1, version = 12040, capability = 90, shared_optin = 227 << 10;
static size_t memory_total = 64 << 20, memory_used;
static object *primary, *capture_stream, *capture_graph;
static int capture_broken;
static long clock_ticks;
static char fail_name[64];
static int fail_code, fail_after;

static void write_log(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(log_text + log_length, LOG_BYTES - log_length, format, arguments);
    va_end(arguments);
    if (written > 0 && log_length + (size_t)written + 2 < LOG_BYTES) {
        log_length += (size_t)written;
        log_text[log_length++] = '\n';
        log_text[log_length] = 0;
    }
}

static object *make(kind what)
{
    object *made = object_count < MAX_OBJECTS ? calloc(1, sizeof(object)) : NULL;
    if (made == NULL) {
        return NULL;
    }
    made->what = what;
    made->id = ++next_id[what];
    made->live = 1;
    live[what]++;
    objects[object_count++] = made;
    return made;
}

static void end(object *what)
{
    what->live = 0;
    live[what->what]--;
}

/* A handle that was destroyed or never made is refused, like the real driver's (mostly). */
static object *check(const void *handle, kind what)
{
    for (int i = 0; i < object_count; i++) {
        if (objects[i] == handle) {
            return objects[i]->live && objects[i]->what == what ? objects[i] : NULL;
        }
    }
    return NULL;
}

/* The live memory of a kind that holds a range. */
static object *find_range(kind what, const void *address, size_t bytes)
{
    for (int i = 0; i < object_count; i++) {
        object *one = objects[i];
        if (one->live && one->what == what && (const char *)address >= one->memory && (const char *)address + bytes <= one->memory + one->bytes) {
            return one;
        }
    }
    return NULL;
}

static int has_context(void)
{
    return depth > 0 && stack[depth - 1] == primary && primary != NULL && primary->live;
}

static int injected(const char *name)
{
    if (fail_code != 0 && strcmp(name, fail_name) == 0 && fail_after-- <= 0) {
        int code = fail_code;
        fail_code = 0;
        capture_broken |= capture_stream != NULL;
        return code;
    }
    return SUCCESS;
}

#define ENTER(name) do { int code_ = injected(name); if (code_ != SUCCESS) return code_; if (!started) return NOT_INITIALIZED; } while (0)
#define NEEDS_CONTEXT() do { if (!has_context()) return INVALID_CONTEXT; } while (0)
/* What the recording thread may not do. */
#define NO_CAPTURE() do { if (capture_stream != NULL) { capture_broken = 1; return CAPTURE_UNSUPPORTED; } } while (0)

/* --- for tests ---------------------------------------------------------------------------------------------------------------------------- */

API void fake_reset(void)
{
    for (int i = 0; i < object_count; i++) {
        for (int n = 0; n < objects[i]->node_count; n++) {
            free(objects[i]->nodes[n].text);
        }
        free(objects[i]->text);
        free(objects[i]->memory);
        free(objects[i]);
    }
    object_count = 0;
    memset(next_id, 0, sizeof next_id);
    memset(live, 0, sizeof live);
    log_length = 0;
    log_text[0] = 0;
    depth = retained = started = 0;
    device_count = 1;
    version = 12040;
    capability = 90;
    shared_optin = 227 << 10;
    memory_total = 64 << 20;
    memory_used = 0;
    primary = capture_stream = capture_graph = NULL;
    capture_broken = 0;
    clock_ticks = 0;
    fail_code = 0;
}

API const char *fake_log(void) { return log_text; }
API void fake_clear_log(void) { log_length = 0; log_text[0] = 0; }
API void fake_set_version(int value) { version = value; }
API void fake_set_devices(int value) { device_count = value; }
API void fake_set_capability(int value) { capability = value; }
API void fake_set_memory(size_t bytes) { memory_total = bytes; }
API void fake_set_shared(int bytes) { shared_optin = bytes; }
API int fake_live(const char *what)
{
    for (int i = 0; i < KINDS; i++) {
        if (strcmp(what, kind_names[i]) == 0) {
            return live[i];
        }
    }
    return -1;
}
API int fake_retained(void) { return retained; }
API int fake_depth(void) { return depth; }

/* The call of an entry point that comes after so many others fails with a code. */
API void fake_fail(const char *name, int code, int after)
{
    snprintf(fail_name, sizeof fail_name, "%s", name);
    fail_code = code;
    fail_after = after;
}

/* --- driver, devices, contexts ------------------------------------------------------------------------------------------------------------ */

API int cuInit(unsigned flags)
{
    int code = injected("cuInit");
    if (code != SUCCESS || flags != 0) {
        return code != SUCCESS ? code : INVALID_VALUE;
    }
    if (device_count == 0) {
        return NO_DEVICE;
    }
    started = 1;
    return SUCCESS;
}

API int cuDriverGetVersion(int *result)
{
    int code = injected("cuDriverGetVersion");
    *result = version;
    return code;
}

API int cuDeviceGetCount(int *result)
{
    ENTER("cuDeviceGetCount");
    *result = device_count;
    return SUCCESS;
}

API int cuDeviceGet(int *device, int ordinal)
{
    ENTER("cuDeviceGet");
    *device = ordinal;
    return ordinal >= 0 && ordinal < device_count ? SUCCESS : INVALID_DEVICE;
}

API int cuDeviceGetName(char *name, int length, int device)
{
    ENTER("cuDeviceGetName");
    snprintf(name, (size_t)length, "Fake GPU %d", device);
    return SUCCESS;
}

API int cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    ENTER("cuDeviceTotalMem_v2");
    (void)device;
    *bytes = memory_total;
    return SUCCESS;
}

API int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    ENTER("cuDeviceGetAttribute");
    (void)device;
    switch (attribute) {
    case 1: *value = 1024; return SUCCESS;
    case 8: *value = FREE_SHARED; return SUCCESS;
    case 10: *value = 32; return SUCCESS;
    case 16: *value = 4; return SUCCESS;
    case 75: *value = capability / 10; return SUCCESS;
    case 76: *value = capability % 10; return SUCCESS;
    case 97: *value = shared_optin; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

API int cuDevicePrimaryCtxRetain(void **context, int device)
{
    ENTER("cuDevicePrimaryCtxRetain");
    (void)device;
    if (primary == NULL || !primary->live) {
        primary = make(KIND_CONTEXT);
    }
    retained++;
    *context = primary;
    write_log("cuDevicePrimaryCtxRetain");
    return SUCCESS;
}

API int cuDevicePrimaryCtxRelease_v2(int device)
{
    ENTER("cuDevicePrimaryCtxRelease_v2");
    (void)device;
    if (retained == 0) {
        return INVALID_CONTEXT;
    }
    write_log("cuDevicePrimaryCtxRelease_v2");
    if (--retained == 0) {
        end(primary);
    }
    return SUCCESS;
}

API int cuCtxGetCurrent(void **context)
{
    ENTER("cuCtxGetCurrent");
    *context = depth > 0 ? stack[depth - 1] : NULL;
    return SUCCESS;
}

API int cuCtxPushCurrent_v2(void *context)
{
    ENTER("cuCtxPushCurrent_v2");
    object *one = check(context, KIND_CONTEXT);
    if (one == NULL || depth == MAX_DEPTH) {
        return INVALID_CONTEXT;
    }
    stack[depth++] = one;
    return SUCCESS;
}

API int cuCtxPopCurrent_v2(void **context)
{
    ENTER("cuCtxPopCurrent_v2");
    if (depth == 0) {
        return INVALID_CONTEXT;
    }
    *context = stack[--depth];
    return SUCCESS;
}

API int cuCtxSynchronize(void)
{
    ENTER("cuCtxSynchronize");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    return SUCCESS;
}

/* --- memory ------------------------------------------------------------------------------------------------------------------------------- */

API int cuMemGetInfo_v2(size_t *free_bytes, size_t *total)
{
    ENTER("cuMemGetInfo_v2");
    NEEDS_CONTEXT();
    *free_bytes = memory_total - memory_used;
    *total = memory_total;
    write_log("cuMemGetInfo_v2");
    return SUCCESS;
}

API int cuMemAlloc_v2(uint64_t *address, size_t bytes)
{
    ENTER("cuMemAlloc_v2");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    if (bytes == 0) {
        return INVALID_VALUE;
    }
    if (bytes > memory_total - memory_used) {
        return OUT_OF_MEMORY;
    }
    object *buffer = make(KIND_BUFFER);
    if (buffer == NULL || (buffer->memory = malloc(bytes)) == NULL) {
        return OUT_OF_MEMORY;
    }
    /* What a kernel finds in fresh memory is nothing to rely on. */
    memset(buffer->memory, 0xA5, bytes);
    buffer->bytes = bytes;
    memory_used += bytes;
    *address = (uint64_t)(uintptr_t)buffer->memory;
    write_log("cuMemAlloc_v2 buffer%d %zu", buffer->id, bytes);
    return SUCCESS;
}

API int cuMemFree_v2(uint64_t address)
{
    ENTER("cuMemFree_v2");
    NEEDS_CONTEXT();
    object *buffer = find_range(KIND_BUFFER, (void *)(uintptr_t)address, 1);
    if (buffer == NULL || (uint64_t)(uintptr_t)buffer->memory != address) {
        return INVALID_VALUE;
    }
    memory_used -= buffer->bytes;
    end(buffer);
    write_log("cuMemFree_v2 buffer%d", buffer->id);
    return SUCCESS;
}

API int cuMemHostAlloc(void **pointer, size_t bytes, unsigned flags)
{
    ENTER("cuMemHostAlloc");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    object *host = make(KIND_HOST);
    if (flags != 0 || host == NULL || (host->memory = malloc(bytes)) == NULL) {
        return OUT_OF_MEMORY;
    }
    memset(host->memory, 0xA5, bytes);
    host->bytes = bytes;
    *pointer = host->memory;
    write_log("cuMemHostAlloc host%d %zu", host->id, bytes);
    return SUCCESS;
}

API int cuMemFreeHost(void *pointer)
{
    ENTER("cuMemFreeHost");
    NEEDS_CONTEXT();
    object *host = find_range(KIND_HOST, pointer, 1);
    if (host == NULL || host->memory != pointer) {
        return INVALID_VALUE;
    }
    end(host);
    write_log("cuMemFreeHost host%d", host->id);
    return SUCCESS;
}

static const char *stream_name(const object *stream)
{
    static char name[32];
    snprintf(name, sizeof name, stream == NULL ? "default" : "stream%d", stream == NULL ? 0 : stream->id);
    return name;
}

static int run(const node *what)
{
    switch (what->what) {
    case NODE_SET: memset(what->to, what->value, what->bytes); break;
    case NODE_LAUNCH: break;
    default: memcpy(what->to, what->from, what->bytes); break;
    }
    return SUCCESS;
}

/* Runs an operation now, or writes it down for the graph. The text is the line of the log; it is freed here or with the graph. */
static int enqueue(object *stream, node what, const char *text)
{
    if (capture_stream != NULL && stream == capture_stream) {
        if (capture_graph->node_count == MAX_NODES) {
            capture_broken = 1;
            return CAPTURE_UNSUPPORTED;
        }
        size_t length = strlen(text) + 1;
        what.text = malloc(length);
        memcpy(what.text, text, length);
        capture_graph->nodes[capture_graph->node_count++] = what;
        write_log("captured %s", text);
        return SUCCESS;
    }
    write_log("%s %s", text, stream_name(stream));
    return run(&what);
}

#define STREAM(stream, handle) object *stream = check(handle, KIND_STREAM); if (handle != NULL && stream == NULL) return INVALID_HANDLE

API int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyHtoDAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_range(KIND_BUFFER, (void *)(uintptr_t)to, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    /* Copies that run by themselves need memory that stays where it is. */
    object *host = find_range(KIND_HOST, from, bytes);
    if (host == NULL) {
        return NOT_PERMITTED;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyHtoDAsync_v2 buffer%d+%td host%d+%td %zu", buffer->id, (char *)(uintptr_t)to - buffer->memory, host->id,
             (const char *)from - host->memory, bytes);
    return enqueue(stream, (node){.what = NODE_UPLOAD, .to = (void *)(uintptr_t)to, .from = from, .bytes = bytes}, text);
}

API int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyDtoHAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_range(KIND_BUFFER, (void *)(uintptr_t)from, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    object *host = find_range(KIND_HOST, to, bytes);
    if (host == NULL) {
        return NOT_PERMITTED;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyDtoHAsync_v2 host%d+%td buffer%d+%td %zu", host->id, (char *)to - host->memory, buffer->id,
             (char *)(uintptr_t)from - buffer->memory, bytes);
    return enqueue(stream, (node){.what = NODE_DOWNLOAD, .to = to, .from = (void *)(uintptr_t)from, .bytes = bytes}, text);
}

API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *handle)
{
    ENTER("cuMemcpyDtoDAsync_v2");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *target = find_range(KIND_BUFFER, (void *)(uintptr_t)to, bytes), *source = find_range(KIND_BUFFER, (void *)(uintptr_t)from, bytes);
    if (target == NULL || source == NULL) {
        return INVALID_VALUE;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemcpyDtoDAsync_v2 buffer%d+%td buffer%d+%td %zu", target->id, (char *)(uintptr_t)to - target->memory, source->id,
             (char *)(uintptr_t)from - source->memory, bytes);
    return enqueue(stream, (node){.what = NODE_COPY, .to = (void *)(uintptr_t)to, .from = (void *)(uintptr_t)from, .bytes = bytes}, text);
}

API int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void *handle)
{
    ENTER("cuMemsetD8Async");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *buffer = find_range(KIND_BUFFER, (void *)(uintptr_t)to, bytes);
    if (buffer == NULL) {
        return INVALID_VALUE;
    }
    char text[160];
    snprintf(text, sizeof text, "cuMemsetD8Async buffer%d+%td %d %zu", buffer->id, (char *)(uintptr_t)to - buffer->memory, value, bytes);
    return enqueue(stream, (node){.what = NODE_SET, .to = (void *)(uintptr_t)to, .value = value, .bytes = bytes}, text);
}

/* --- streams, events, graphs --------------------------------------------------------------------------------------------------------------- */

API int cuStreamCreate(void **handle, unsigned flags)
{
    ENTER("cuStreamCreate");
    NEEDS_CONTEXT();
    object *stream = make(KIND_STREAM);
    if (stream == NULL) {
        return OUT_OF_MEMORY;
    }
    *handle = stream;
    write_log("cuStreamCreate stream%d flags %u", stream->id, flags);
    return SUCCESS;
}

API int cuStreamDestroy_v2(void *handle)
{
    ENTER("cuStreamDestroy_v2");
    NEEDS_CONTEXT();
    object *stream = check(handle, KIND_STREAM);
    if (stream == NULL) {
        return INVALID_HANDLE;
    }
    end(stream);
    write_log("cuStreamDestroy_v2 stream%d", stream->id);
    return SUCCESS;
}

API int cuStreamSynchronize(void *handle)
{
    ENTER("cuStreamSynchronize");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    NO_CAPTURE();
    write_log("cuStreamSynchronize %s", stream_name(stream));
    return SUCCESS;
}

API int cuStreamWaitEvent(void *handle, void *event_handle, unsigned flags)
{
    ENTER("cuStreamWaitEvent");
    NEEDS_CONTEXT();
    STREAM(stream, handle);
    object *event = check(event_handle, KIND_EVENT);
    if (event == NULL || flags != 0) {
        return INVALID_HANDLE;
    }
    write_log("cuStreamWaitEvent %s event%d", stream_name(stream), event->id);
    return SUCCESS;
}

API int cuStreamBeginCapture_v2(void *handle, int mode)
{
    ENTER("cuStreamBeginCapture_v2");
    NEEDS_CONTEXT();
    object *stream = check(handle, KIND_STREAM);
    if (stream == NULL || capture_stream != NULL) {
        return stream == NULL ? CAPTURE_UNSUPPORTED : INVALID_VALUE;
    }
    capture_stream = stream;
    capture_graph = make(KIND_GRAPH);
    capture_broken = 0;
    write_log("cuStreamBeginCapture_v2 stream%d mode %d", stream->id, mode);
    return SUCCESS;
}

API int cuStreamEndCapture(void *handle, void **graph)
{
    int code = injected("cuStreamEndCapture");
    NEEDS_CONTEXT();
    if (capture_stream == NULL || handle != capture_stream) {
        return INVALID_VALUE;
    }
    object *made = capture_graph;
    capture_stream = capture_graph = NULL;
    *graph = NULL;
    if (capture_broken || code != SUCCESS) {
        end(made);
        return code != SUCCESS ? code : CAPTURE_INVALIDATED;
    }
    *graph = made;
    write_log("cuStreamEndCapture graph%d nodes %d", made->id, made->node_count);
    return SUCCESS;
}

API int cuEventCreate(void **handle, unsigned flags)
{
    ENTER("cuEventCreate");
    NEEDS_CONTEXT();
    object *event = make(KIND_EVENT);
    if (event == NULL || (flags != 0 && flags != DISABLE_TIMING)) {
        return INVALID_VALUE;
    }
    event->untimed = flags == DISABLE_TIMING;
    *handle = event;
    write_log("cuEventCreate event%d%s", event->id, event->untimed ? " untimed" : "");
    return SUCCESS;
}

API int cuEventDestroy_v2(void *handle)
{
    ENTER("cuEventDestroy_v2");
    NEEDS_CONTEXT();
    object *event = check(handle, KIND_EVENT);
    if (event == NULL) {
        return INVALID_HANDLE;
    }
    end(event);
    write_log("cuEventDestroy_v2 event%d", event->id);
    return SUCCESS;
}

API int cuEventRecord(void *handle, void *stream_handle)
{
    ENTER("cuEventRecord");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *event = check(handle, KIND_EVENT);
    if (event == NULL) {
        return INVALID_HANDLE;
    }
    event->when = ++clock_ticks;
    write_log("cuEventRecord event%d %s", event->id, stream_name(stream));
    return SUCCESS;
}

API int cuEventSynchronize(void *handle)
{
    ENTER("cuEventSynchronize");
    NEEDS_CONTEXT();
    NO_CAPTURE();
    return check(handle, KIND_EVENT) != NULL ? SUCCESS : INVALID_HANDLE;
}

/* Every recording is half a millisecond after the one before. */
API int cuEventElapsedTime(float *milliseconds, void *first, void *second)
{
    ENTER("cuEventElapsedTime");
    NEEDS_CONTEXT();
    object *from = check(first, KIND_EVENT), *to = check(second, KIND_EVENT);
    if (from == NULL || to == NULL || from->when == 0 || to->when == 0 || from->untimed || to->untimed) {
        return INVALID_HANDLE;
    }
    *milliseconds = 0.5f * (float)(to->when - from->when);
    return SUCCESS;
}

#ifndef FAKE_WITHOUT_GRAPH_FLAGS
API int cuGraphInstantiateWithFlags(void **handle, void *graph_handle, unsigned long long flags)
{
    ENTER("cuGraphInstantiateWithFlags");
    NEEDS_CONTEXT();
    object *graph = check(graph_handle, KIND_GRAPH);
    if (graph == NULL || flags != 0) {
        return INVALID_HANDLE;
    }
    object *executable = make(KIND_EXECUTABLE);
    if (executable == NULL) {
        return OUT_OF_MEMORY;
    }
    executable->node_count = graph->node_count;
    for (int i = 0; i < graph->node_count; i++) {
        executable->nodes[i] = graph->nodes[i];
        size_t length = strlen(graph->nodes[i].text) + 1;
        executable->nodes[i].text = malloc(length);
        memcpy(executable->nodes[i].text, graph->nodes[i].text, length);
    }
    *handle = executable;
    write_log("cuGraphInstantiateWithFlags executable%d graph%d", executable->id, graph->id);
    return SUCCESS;
}
#endif

API int cuGraphLaunch(void *handle, void *stream_handle)
{
    ENTER("cuGraphLaunch");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *executable = check(handle, KIND_EXECUTABLE);
    if (executable == NULL) {
        return INVALID_HANDLE;
    }
    write_log("cuGraphLaunch executable%d %s", executable->id, stream_name(stream));
    for (int i = 0; i < executable->node_count; i++) {
        write_log("replayed %s", executable->nodes[i].text);
        run(&executable->nodes[i]);
    }
    return SUCCESS;
}

static int destroy_graph(const char *name, void *handle, kind what)
{
    ENTER(name);
    NEEDS_CONTEXT();
    object *graph = check(handle, what);
    if (graph == NULL) {
        return INVALID_HANDLE;
    }
    end(graph);
    write_log("%s %s%d", name, kind_names[what], graph->id);
    return SUCCESS;
}

API int cuGraphDestroy(void *handle) { return destroy_graph("cuGraphDestroy", handle, KIND_GRAPH); }
API int cuGraphExecDestroy(void *handle) { return destroy_graph("cuGraphExecDestroy", handle, KIND_EXECUTABLE); }

/* --- modules and kernels -------------------------------------------------------------------------------------------------------------------- */

API int cuModuleLoadDataEx(void **handle, const void *image, unsigned option_count, int *options, void **values)
{
    char *error_log = NULL;
    size_t error_bytes = 0;
    for (unsigned i = 0; i < option_count; i++) {
        if (options[i] == 5) {
            error_log = values[i];
        } else if (options[i] == 6) {
            error_bytes = (size_t)(uintptr_t)values[i];
        }
    }
    int code = injected("cuModuleLoadDataEx");
    if (code == SUCCESS) {
        /* Code for a newer device than this one, or for none. */
        const char *target = strstr(image, ".target sm_");
        int architecture = target == NULL ? 0 : atoi(target + 11);
        code = strstr(image, ".version") == NULL || architecture < 50 ? INVALID_PTX : architecture > capability ? NO_BINARY_FOR_GPU : SUCCESS;
    }
    if (code != SUCCESS) {
        if (error_log != NULL) {
            snprintf(error_log, error_bytes, "ptxas application ptx input, line 1; fatal   : Missing .version directive\nptxas fatal   : aborted");
        }
        return code;
    }
    NEEDS_CONTEXT();
    NO_CAPTURE();
    object *module = make(KIND_MODULE);
    if (module == NULL) {
        return OUT_OF_MEMORY;
    }
    size_t length = strlen(image) + 1;
    module->text = malloc(length);
    memcpy(module->text, image, length);
    *handle = module;
    write_log("cuModuleLoadDataEx module%d", module->id);
    return SUCCESS;
}

API int cuModuleUnload(void *handle)
{
    ENTER("cuModuleUnload");
    NEEDS_CONTEXT();
    object *module = check(handle, KIND_MODULE);
    if (module == NULL) {
        return INVALID_HANDLE;
    }
    end(module);
    write_log("cuModuleUnload module%d", module->id);
    return SUCCESS;
}

/* Sizes of the parameters between a kernel's parentheses: ".param .b32 x" or ".param .align 8 .b8 x[16]". */
static int read_parameters(object *function, const char *at)
{
    const char *close = strchr(at, ')');
    while (close != NULL && at < close) {
        const char *next = strchr(at, ',');
        if (next == NULL || next > close) {
            next = close;
        }
        const char *word = strstr(at, ".param");
        if (word != NULL && word < next) {
            int size = 0;
            for (word += 6; word < next && size == 0; word++) {
                if (*word == '.' && word[1] != 'a' && strchr("busf", word[1]) != NULL) {
                    size = atoi(word + 2) / 8;
                }
            }
            const char *bracket = strchr(at, '[');
            if (bracket != NULL && bracket < next) {
                size *= atoi(bracket + 1);
            }
            if (size <= 0 || function->parameters == MAX_PARAMETERS) {
                return 0;
            }
            function->sizes[function->parameters++] = size;
        }
        at = next + 1;
    }
    return close != NULL;
}

API int cuModuleGetFunction(void **handle, void *module_handle, const char *name)
{
    ENTER("cuModuleGetFunction");
    NEEDS_CONTEXT();
    object *module = check(module_handle, KIND_MODULE);
    if (module == NULL) {
        return INVALID_HANDLE;
    }
    size_t length = strlen(name);
    for (const char *at = strstr(module->text, ".entry "); at != NULL; at = strstr(at + 1, ".entry ")) {
        const char *word = at + 7;
        if (strncmp(word, name, length) == 0 && (word[length] == '(' || word[length] == ' ' || word[length] == '\n')) {
            object *function = make(KIND_FUNCTION);
            if (function == NULL || !read_parameters(function, strchr(word, '(') + 1)) {
                return INVALID_PTX;
            }
            function->text = malloc(length + 1);
            memcpy(function->text, name, length + 1);
            function->dynamic_shared = FREE_SHARED - STATIC_SHARED;
            *handle = function;
            return SUCCESS;
        }
    }
    return NOT_FOUND;
}

API int cuFuncGetAttribute(int *value, int attribute, void *handle)
{
    ENTER("cuFuncGetAttribute");
    NEEDS_CONTEXT();
    if (check(handle, KIND_FUNCTION) == NULL) {
        return INVALID_HANDLE;
    }
    switch (attribute) {
    case 0: *value = 512; return SUCCESS;
    case 1: *value = STATIC_SHARED; return SUCCESS;
    case 3: *value = 8; return SUCCESS;
    case 4: *value = 40; return SUCCESS;
    default: return INVALID_VALUE;
    }
}

API int cuFuncSetAttribute(void *handle, int attribute, int value)
{
    ENTER("cuFuncSetAttribute");
    NEEDS_CONTEXT();
    object *function = check(handle, KIND_FUNCTION);
    if (function == NULL || attribute != 8 || value > shared_optin - STATIC_SHARED) {
        return INVALID_VALUE;
    }
    function->dynamic_shared = value;
    write_log("cuFuncSetAttribute %s 8 %d", function->text, value);
    return SUCCESS;
}

API int cuLaunchKernel(void *handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                       unsigned shared, void *stream_handle, void **parameters, void **extra)
{
    ENTER("cuLaunchKernel");
    NEEDS_CONTEXT();
    STREAM(stream, stream_handle);
    object *function = check(handle, KIND_FUNCTION);
    if (function == NULL) {
        return INVALID_HANDLE;
    }
    if (extra != NULL || grid_x * grid_y * grid_z == 0 || block_x * block_y * block_z == 0 || block_x * block_y * block_z > 1024
        || (int)shared > function->dynamic_shared) {
        return INVALID_VALUE;
    }
    static char text[MAX_PARAMETERS * 9000];
    int length = snprintf(text, sizeof text, "cuLaunchKernel %s grid %u %u %u block %u %u %u shared %u", function->text, grid_x, grid_y, grid_z, block_x,
                          block_y, block_z, shared);
    for (int i = 0; i < function->parameters; i++) {
        text[length++] = ' ';
        for (int byte = 0; byte < function->sizes[i]; byte++) {
            length += snprintf(text + length, sizeof text - (size_t)length, "%02x", ((unsigned char *)parameters[i])[byte]);
        }
    }
    return enqueue(stream, (node){.what = NODE_LAUNCH}, text);
}
